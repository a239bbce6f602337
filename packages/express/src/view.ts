import type { Request } from 'express';
import type { ProtectedRequest } from '@tokenward/core';

/** Express' request as core wants it. Who the client is taken for follows Express' own `trust proxy` setting. */
export function view(request: Request): ProtectedRequest {
  return {
    // may be overridden between two guards
    get method() {
      return request.method;
    },
    target: request.originalUrl,
    get origin() {
      return originOf(request);
    },
    headers: request.headersDistinct ?? request.headers,
  };
}

function originOf(request: Request): string | undefined {
  const { protocol, hostname, headers } = request;
  if (!hostname) return undefined;
  return `${protocol}://${headers.host?.startsWith(`${hostname}:`) ? headers.host : hostWithPort(request)}`;
}

/** Express 4, which still has `req.param`, gives no port with a host that a proxy names, and warns of `req.host`. */
function hostWithPort(request: Request): string {
  return 'param' in request ? request.hostname : request.host;
}
