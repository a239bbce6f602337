import type { ResponseHeaders } from '../decision/decision.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { Reason } from '../vocabulary/reason.js';

/** The key of the method by which a guard asks a browser session. Registered, so that two copies of this package understand each other. */
export const SESSION_CREDENTIALS: unique symbol = Symbol.for('tokenward.sessionCredentials') as never;

/** The access token of a browser session. */
export interface SessionToken {
  readonly token: string;
  /**
   * Headers for the response, whatever its status: `set-cookie`, if the session cookie has changed. At most 16 lines of visible ASCII; others make the session
   * unavailable. A guard ignores other headers.
   */
  readonly headers: ResponseHeaders | undefined;
}

/** Why the session cookie of a request gives no access token. */
export interface SessionFailure {
  readonly reason: Extract<Reason, 'cross_site_request' | 'session_ended' | 'session_unavailable'>;
  /** For operators: fixed words, never a value from the cookie. */
  readonly cause?: string | undefined;
  /** For operators: which header a request of the app itself has, and what this one has instead. Never a value from the cookie. */
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** When a session that is unavailable may be asked again. The guard sends it as `Retry-After`, at most an hour. Default: 1. */
  readonly retryAfterSeconds?: number | undefined;
  /** Headers for the response: an ended session's cookie is deleted. */
  readonly headers?: ResponseHeaders | undefined;
  /** An own member. With a polluted prototype, every failure would otherwise have a token. */
  readonly token: undefined;
}

/**
 * A browser session as a guard sees it: the source of the access token for requests that have a session cookie and no `Authorization` header.
 * `createBrowserSession` of `@tokenward/browser-session` creates one.
 */
export interface BrowserSessionCredentials {
  /**
   * Returns the access token of the request's session, refreshed if it has ended; undefined if the request has no session cookie. The result is a promise
   * only if something must be fetched or decrypted.
   *
   * The session must limit how long this takes, because the guard waits. If it throws, rejects or returns anything else, the guard answers 503. Guards on one
   * request share the result for up to a second. A guard may then ask about the same request again, so the same cookie must give the same result.
   */
  [SESSION_CREDENTIALS](request: ProtectedRequest): SessionToken | SessionFailure | undefined | Promise<SessionToken | SessionFailure | undefined>;
}
