import type { ProtectedRequest } from './protected-request.js';

/**
 * Fields that no browser sends with a preflight: credentials, a body and its type, and those by which a method is overridden, since what looks
 * like OPTIONS here might be run as something else behind.
 */
const NEVER = ['authorization', 'cookie', 'content-type', 'transfer-encoding', 'x-http-method-override', 'x-http-method', 'x-method-override'];

/** A CORS preflight (Fetch standard, s4.8): it carries neither credentials nor a body. An OPTIONS request that does is an ordinary request. */
export function isPreflight(request: ProtectedRequest): boolean {
  const { method, target, headers } = request;
  return (
    method === 'OPTIONS' &&
    headers['origin'] !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    isZeroOrAbsent(headers['content-length']) &&
    // over HTTP/2 a body needs no field that announces it
    request.hasBody !== true &&
    !isOverriddenByQuery(target) &&
    !NEVER.some((name) => headers[name] !== undefined)
  );
}

/** What method-override reads when it is told to. */
function isOverriddenByQuery(target: string): boolean {
  const query = target.indexOf('?');
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('_method');
}

function isZeroOrAbsent(length: string | readonly string[] | undefined): boolean {
  return length === undefined || String(length) === '0';
}
