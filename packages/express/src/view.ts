import type { Request } from 'express';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, viewOf } from '@tokenward/core/adapter';

/** Returns Express' request as a {@link ProtectedRequest}. Scheme, host and client address follow Express' `trust proxy` setting. */
export function view(request: Request): ProtectedRequest {
  assertHasHeaders(request, 'guard.check(request, ...policies)');
  return viewOf(request, request, hostOf);
}

/** In Express 4, `req.host` lacks the port and prints a warning. So this reads the fields that Express 4 reads. Only Express 4 has `req.param`. */
function hostOf(request: Request): string | undefined {
  if (!('param' in request)) return request.host;
  const { app, headers, socket } = request as Request;
  const forwarded = headers['x-forwarded-host'];
  if (typeof forwarded !== 'string' || forwarded === '') return headers.host;
  const isTrusted = app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean;
  return isTrusted(socket.remoteAddress, 0) ? forwarded.split(',', 1)[0]!.trimEnd() : headers.host;
}
