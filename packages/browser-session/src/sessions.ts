import type { SessionEventReason } from './session-events.js';
import type { SessionState } from './session-state.js';

/** What a request's session cookie led to. */
export type FoundSession =
  | {
      readonly kind: 'session';
      readonly state: SessionState;
      /** Set-Cookie lines that must go with the answer; usually none. */ readonly setCookies: readonly string[];
    }
  /** No session cookie of ours, or one that nobody of us wrote. */
  | { readonly kind: 'none' }
  /** It was a session once: expired, logged out, revoked, or sealed with a key that is gone. `setCookies` delete it. */
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly setCookies: readonly string[] }
  /** The store or the revocations cannot be asked now. */
  | {
      readonly kind: 'unavailable';
      readonly cause: string;
      /** The id in the cookie, so that a logout can end the session nevertheless. */ readonly id?: string | undefined;
    };

/** Why a session ended. A closed set, for events and logs. */
export type EndReason = (typeof END_REASONS)[number];

/** All reasons for which a session ends. */
export const END_REASONS = [
  'logout',
  'backchannel_logout',
  'revoked',
  'idle',
  'expired',
  'refresh_refused',
  'invalid_response',
  'replaced',
  'unreadable',
] as const satisfies readonly SessionEventReason[];

/** A session that has just ended. */
export interface EndedSession {
  /** The newest state that is known: another process may have refreshed the session since the request's cookie was read. */
  readonly state: SessionState;
  /** `Set-Cookie` lines that delete the cookie, all its chunks included. */
  readonly setCookies: readonly string[];
}

/** Finds and keeps sessions: in a sealed cookie, or in a store behind a cookie that contains only the session's id. */
export interface Sessions {
  /** @param cookieHeader the `Cookie` header of the request, all lines joined by `; ` */
  find(cookieHeader: string | undefined): FoundSession | Promise<FoundSession>;
  /**
   * Keeps a new session after a login. Returns the `Set-Cookie` lines. If a former session was ended for it, its lines go before these: the browser obeys the
   * last line for a name.
   *
   * @throws SessionStoreError
   * @throws ConfigurationError if there is no store, and the tokens are too large for cookies
   */
  start(state: SessionState): Promise<readonly string[]>;
  /**
   * Keeps a changed session, if it has not ended meanwhile. `next.version` is `previous.version + 1`. If another process of the fleet has changed it first,
   * that change stays.
   *
   * @returns the `Set-Cookie` lines; undefined if the session ended meanwhile
   * @throws SessionStoreError
   * @throws ConfigurationError if there is no store, and the tokens have grown too large for cookies
   */
  replace(previous: SessionState, next: SessionState): Promise<readonly string[] | undefined>;
  /**
   * Ends a session here and for every copy of its cookie.
   *
   * @throws SessionStoreError or RevocationStoreError if other processes may not know it yet. In this process it has ended
   */
  end(state: SessionState, reason: EndReason, cookieHeader: string | undefined): Promise<EndedSession>;
  /**
   * Ends a session of which only the id is known: a new login replaced it, and the `Strict` cookie did not come with the callback. It ends for every copy of
   * its cookie. Returns its newest state; undefined if no store has it. @throws SessionStoreError, RevocationStoreError
   */
  endReplaced(id: string): Promise<SessionState | undefined>;
  /** Ends the sessions that a logout token names, after the revocations know the token. @throws SessionStoreError */
  endAtIssuer(target: { readonly issuer: string; readonly subject: string | undefined; readonly issuerSessionId: string | undefined }): Promise<void>;
  /** Returns the `Set-Cookie` lines that delete the cookie of a request, whatever it contains. The session goes on. */
  forget(cookieHeader: string | undefined): readonly string[];
}
