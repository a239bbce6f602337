import { fieldOf } from './fields.js';
import type { ProtectedRequest } from './protected-request.js';

/**
 * Headers that no browser sends with a preflight: credentials, headers of a body, and method overrides. With an override, a later handler might treat the
 * request as another method.
 */
const NOT_IN_PREFLIGHT = ['authorization', 'cookie', 'content-type', 'transfer-encoding', 'x-http-method-override', 'x-http-method', 'x-method-override'];

/** Whether a request is a CORS preflight (Fetch standard, s4.8), which has neither credentials nor a body. Other OPTIONS requests are ordinary ones. */
export function isPreflight(request: ProtectedRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    isSingle(fieldOf(request, 'origin')) &&
    isSingle(fieldOf(request, 'access-control-request-method')) &&
    isZeroOrAbsent(fieldOf(request, 'content-length')) &&
    // over HTTP/2, a body needs no header
    request.hasBody !== true &&
    !isOverriddenByQuery(request.target) &&
    !NOT_IN_PREFLIGHT.some((name) => fieldOf(request, name) !== undefined)
  );
}

/** Whether the query overrides the method, as the package method-override can be configured to do. */
function isOverriddenByQuery(target: string): boolean {
  const query = target.indexOf('?');
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('_method');
}

/** A browser sends each of them once. */
function isSingle(field: string | readonly string[] | undefined): boolean {
  return typeof field === 'string' || field?.length === 1;
}

function isZeroOrAbsent(length: string | readonly string[] | undefined): boolean {
  return length === undefined || String(length) === '0';
}
