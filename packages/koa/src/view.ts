import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, viewOf } from '@tokenward/core/adapter';

/**
 * Koa's context as core wants it, or Node's own request. How the client addressed it follows Koa's own `app.proxy` setting; `ctx.origin` is not
 * looked at, which is made of what the client's Origin header says.
 */
export function view(context: Context): ProtectedRequest {
  const raw = (context.req as IncomingMessage | undefined) ?? (context as unknown as IncomingMessage);
  assertHasHeaders(raw, 'guard.check(request, ...policies)');
  return viewOf(context, raw);
}
