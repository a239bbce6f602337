import type { Context } from 'koa';
import type { ProtectedRequest } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';

/**
 * Koa's context as core wants it. How the client addressed it follows Koa's own `app.proxy` setting; `ctx.origin` is not looked at, which is
 * made of what the client's Origin header says.
 */
export function view(context: Context): ProtectedRequest {
  return viewOf(context, context.req, ({ host }) => host);
}
