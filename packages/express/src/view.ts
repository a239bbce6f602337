import type { Request } from 'express';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, viewOf } from '@tokenward/core/adapter';

/** Express' request as core wants it. How the client addressed it follows Express' own `trust proxy` setting. */
export function view(request: Request): ProtectedRequest {
  assertHasHeaders(request, 'guard.check(request, ...policies)');
  return viewOf(request, request, hostOf);
}

/** Express 4, which still has `req.param`, drops the port from `req.host`, and warns of it: the client's own is put back where no proxy named another. */
function hostOf(request: Request): string {
  if (!('param' in request)) return request.host;
  const { hostname, headers } = request;
  return headers.host?.startsWith(`${hostname}:`) ? headers.host : hostname;
}
