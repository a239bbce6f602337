/** Everything that a session knows. It is always kept encrypted: in the cookie, or in the store. Times are in seconds since the epoch. */
export interface SessionState {
  /** 32 random bytes in base64url. New at each login, so that a planted cookie never becomes logged in. */
  readonly id: string;
  /** 1 after the login. Each change of the tokens adds one. Writing `usedAt` does not: a refresh that goes on meanwhile must not lose its result. */
  readonly version: number;
  readonly issuer: string;
  /** `sub` of the ID token. It never changes. */
  readonly subject: string;
  /** `sid` of the ID token: the session at the issuer. */
  readonly issuerSessionId: string | undefined;
  /** `iat` of the ID token of the login, by the issuer's clock: revocations compare with it. */
  readonly issuedAt: number;
  readonly accessToken: string;
  readonly accessTokenEndsAt: number;
  /** From when on the access token is refreshed: `refreshTime` computes it. */
  readonly refreshAt: number;
  /** What the access token grants, as the token response says. */
  readonly scopes: readonly string[];
  readonly refreshToken: string | undefined;
  /** For `id_token_hint` at logout. */
  readonly idToken: string | undefined;
  /** When the user logged in, by this machine's clock. */
  readonly startedAt: number;
  /** When the session was last used. It is written only when a tenth of the idle time has passed. */
  readonly usedAt: number;
  /** `session_expiry` of the ID token: when the session at the issuer ends. */
  readonly issuerEndsAt: number | undefined;
  /** The absolute end: `sessionEnd` computes it at the login and at each refresh. */
  readonly endsAt: number;
}
