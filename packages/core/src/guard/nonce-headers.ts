import type { Decision, ResponseHeaders } from '../decision/decision.js';
import { addHeaders } from '../decision/denial.js';

/**
 * Returns a decision that gives the client a new nonce for its next proof (RFC 9449 s8.2). No cache may keep the answer, unless the handler says otherwise:
 * a cache would give an old nonce to others.
 */
export function withNonce<D extends Decision>(decision: D, nonce: string): D {
  const headers: ResponseHeaders = Object.freeze({ 'cache-control': 'no-store', ...decision.headers, 'dpop-nonce': nonce });
  return (decision.outcome === 'allow' ? { ...decision, headers } : addHeaders(decision, headers)) as D;
}
