/** What limits the life of a session. Times are in seconds since the epoch. */
export interface SessionLimits {
  readonly startedAt: number;
  readonly issuerEndsAt: number | undefined;
  /** When the newest refresh token ends, where that is known. It often moves with each refresh, so a session without use ends earlier than one in use. */
  readonly refreshTokenEndsAt: number | undefined;
}

/** Returns the absolute end of a session: the earliest of `maxSeconds` after the login, `session_expiry` of the issuer, and the refresh token's end. */
export function sessionEnd({ startedAt, issuerEndsAt, refreshTokenEndsAt }: SessionLimits, maxSeconds: number): number {
  return Math.min(startedAt + maxSeconds, issuerEndsAt ?? Infinity, refreshTokenEndsAt ?? Infinity);
}
