import type { Context } from 'koa';
import type { ProtectedRequest } from '@tokenward/core';
import { headersOf, originOf } from '@tokenward/core/adapter';

/** Koa's context as core wants it. How the client addressed it follows Koa's own `app.proxy` setting. */
export function view(context: Context): ProtectedRequest {
  return new View(context);
}

/** A class, since a getter in an object literal gives each object a shape of its own, and that keeps the request until a full collection. */
class View implements ProtectedRequest {
  readonly target: string;
  readonly headers: ProtectedRequest['headers'];
  readonly #context: Context;

  constructor(context: Context) {
    this.target = context.originalUrl;
    this.headers = headersOf(context.req);
    this.#context = context;
  }

  /** It may be overridden between two guards. */
  get method(): string {
    return this.#context.method;
  }

  /** `ctx.origin` is what the client's own Origin header is taken for; this is where it sent the request. */
  get origin(): string | undefined {
    return originOf(this.#context.protocol, this.#context.host);
  }
}
