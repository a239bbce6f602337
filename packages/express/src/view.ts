import type { Request } from 'express';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, viewOf } from '@tokenward/core/adapter';

/** Returns Express' request as a {@link ProtectedRequest}. Scheme, host and client address follow Express' `trust proxy` setting. */
export function view(request: Request): ProtectedRequest {
  assertHasHeaders(request, 'guard.check(request, ...policies)');
  return viewOf(request, request, hostOf);
}

/** In Express 4, `req.host` lacks the port and prints a warning. So this takes the Host header, unless a proxy named another host. Only Express 4 has `req.param`. */
function hostOf(request: Request): string {
  if (!('param' in request)) return request.host;
  const { hostname, headers } = request;
  return headers.host?.startsWith(`${hostname}:`) ? headers.host : hostname;
}
