import { hasLowerCaseNames, inLowerCase } from './fields.js';
import type { ProtectedRequest } from './protected-request.js';

/**
 * Returns the request if it has a `Cookie` header, with names of headers in lower case; undefined if it has none. A session reads more than the cookie: an `Origin`
 * in another spelling must not count as none.
 */
export function withCookieHeader(request: ProtectedRequest): ProtectedRequest | undefined {
  const seen = hasLowerCaseNames(request) ? request : converted(request);
  return Object.hasOwn(seen.headers, 'cookie') && seen.headers['cookie'] !== undefined ? seen : undefined;
}

function converted({ method, target, path, params, origin, headers }: ProtectedRequest): ProtectedRequest {
  return { method, target, path, params, origin, headers: inLowerCase(headers) };
}
