import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, viewOf } from '@tokenward/core/adapter';

/**
 * Returns Koa's context, or Node's own request, as a {@link ProtectedRequest}. Scheme, host and client address follow Koa's `app.proxy` setting. It does
 * not read `ctx.origin`, which is the client's Origin header in Koa 3.
 */
export function view(context: Context): ProtectedRequest {
  const raw = (context.req as IncomingMessage | undefined) ?? (context as unknown as IncomingMessage);
  assertHasHeaders(raw, 'guard.check(request, ...policies)');
  return viewOf(context, raw);
}
