/**
 * Returns when an access token should be refreshed: `refreshAheadSeconds` before its end. A token with a short life is used for half of it, since it would
 * otherwise be refreshed at each request.
 */
export function refreshTime(issuedAt: number, accessTokenEndsAt: number, refreshAheadSeconds: number): number {
  return Math.max(accessTokenEndsAt - refreshAheadSeconds, issuedAt + (accessTokenEndsAt - issuedAt) / 2);
}
