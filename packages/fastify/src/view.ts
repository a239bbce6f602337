import type { FastifyRequest } from 'fastify';
import type { ProtectedRequest } from '@tokenward/core';
import { headersOf, originOf } from '@tokenward/core/adapter';

/** Fastify's request as core wants it. How the client addressed it follows Fastify's own `trustProxy` setting. */
export function view(request: FastifyRequest): ProtectedRequest {
  return new View(request);
}

/** A class, since a getter in an object literal gives each object a shape of its own, and that keeps the request until a full collection. */
class View implements ProtectedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: ProtectedRequest['headers'];
  readonly #request: FastifyRequest;

  constructor(request: FastifyRequest) {
    this.method = request.method;
    this.target = request.originalUrl;
    this.headers = headersOf(request.raw);
    this.#request = request;
  }

  get origin(): string | undefined {
    return originOf(this.#request.protocol, this.#request.host);
  }
}
