import type { Request } from 'express';
import type { ProtectedRequest } from '@tokenward/core';

/** Express' request as core wants it. Who the client is taken for follows Express' own `trust proxy` setting. */
export function view(request: Request): ProtectedRequest {
  return {
    method: request.method,
    target: request.originalUrl,
    get origin() {
      return originOf(request);
    },
    headers: request.headersDistinct,
  };
}

/** Express 4 drops the port from `req.host`: there it is put back where the client itself sent it. */
function originOf({ protocol, host, hostname, headers }: Request): string | undefined {
  if (!host) return undefined;
  const withPort = host === hostname && headers.host?.startsWith(`${hostname}:`) ? headers.host : host;
  return `${protocol}://${withPort}`;
}
