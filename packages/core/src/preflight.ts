import type { ProtectedRequest } from './seam.js';

/**
 * A CORS preflight (Fetch standard, s4.8): it carries neither credentials nor a body by definition, so a browser can send none and nothing
 * is to be had by one. An OPTIONS request that does is an ordinary request.
 */
export function isPreflight({ method, headers }: ProtectedRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers['origin'] !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    headers['authorization'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    isZeroOrAbsent(headers['content-length'])
  );
}

function isZeroOrAbsent(length: string | readonly string[] | undefined): boolean {
  return length === undefined || String(length) === '0';
}
