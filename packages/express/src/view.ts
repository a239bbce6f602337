import type { Request } from 'express';
import type { ProtectedRequest } from '@tokenward/core';
import { headersOf, originOf } from '@tokenward/core/adapter';

/** Express' request as core wants it. How the client addressed it follows Express' own `trust proxy` setting. */
export function view(request: Request): ProtectedRequest {
  return new View(request);
}

/** A class, since a getter in an object literal gives each object a shape of its own, and that keeps the request until a full collection. */
class View implements ProtectedRequest {
  readonly target: string;
  readonly headers: ProtectedRequest['headers'];
  readonly #request: Request;

  constructor(request: Request) {
    this.target = request.originalUrl;
    this.headers = headersOf(request);
    this.#request = request;
  }

  /** It may be overridden between two guards. */
  get method(): string {
    return this.#request.method;
  }

  get origin(): string | undefined {
    return originOf(this.#request.protocol, hostOf(this.#request));
  }
}

/** Express 4, which still has `req.param`, drops the port from `req.host`, and warns of it: the client's own is put back where no proxy named another. */
function hostOf(request: Request): string {
  if (!('param' in request)) return request.host;
  const { hostname, headers } = request;
  return headers.host?.startsWith(`${hostname}:`) ? headers.host : hostname;
}
