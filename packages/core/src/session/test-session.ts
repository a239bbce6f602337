/** The key of the method by which a test starts a session without a login. Registered, so that two copies of this package understand each other. */
export const START_TEST_SESSION: unique symbol = Symbol.for('tokenward.startTestSession') as never;

/** The tokens with which a test starts a session, as a login would have returned them. Times are in seconds since the epoch. */
export interface TestSessionTokens {
  readonly subject: string;
  readonly accessToken: string;
  readonly accessTokenEndsAt: number;
  readonly scopes: readonly string[];
  readonly issuedAt: number;
  readonly refreshToken: string | undefined;
  /** For `id_token_hint` at logout. */
  readonly idToken: string | undefined;
  /** `sid` of the issuer, by which a logout token ends the session. */
  readonly issuerSessionId: string | undefined;
}

/** A browser session as tests see it. `logInAs` of `@tokenward/testing/browser-session` uses it. */
export interface TestableBrowserSession {
  readonly origin: string;
  /**
   * Starts a session with given tokens, which nobody checks. Returns the `Set-Cookie` lines.
   *
   * @throws ConfigurationError (the promise rejects) if `NODE_ENV` is `production`, or if the tokens are incomplete
   */
  [START_TEST_SESSION](tokens: TestSessionTokens): Promise<readonly string[]>;
}
