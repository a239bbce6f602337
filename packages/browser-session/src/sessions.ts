import type { SessionEventReason } from './session-events.js';
import type { SessionState } from './session-state.js';

/** What a request's session cookie led to. */
export type FoundSession =
  | {
      readonly kind: 'session';
      readonly state: SessionState;
      /** Set-Cookie lines that must go with the answer; usually none. */ readonly setCookies: readonly string[];
    }
  /** The request has no session cookie, or one that this app did not write. */
  | { readonly kind: 'none' }
  /** The session has ended: expired, logged out, revoked, or sealed with a key that is gone. `setCookies` delete the cookie. */
  | {
      readonly kind: 'ended';
      readonly reason: EndReason;
      readonly setCookies: readonly string[];
      /** The state, if its refresh token is left at the issuer: see `leavesToken` of `SessionEnd`. */ readonly left?: SessionState | undefined;
    }
  /** The store or the revocations cannot be asked now. */
  | {
      readonly kind: 'unavailable';
      readonly cause: string;
      /** What is known of the session, so that a logout can end it nevertheless. */ readonly session?: EndingSession | undefined;
    };

/** A session that is to end. Everything but its id may be unknown: the store cannot be reached, or only the attempt of a login names it. */
export interface EndingSession extends Partial<Pick<SessionState, 'subject' | 'issuedAt' | 'startedAt' | 'endsAt'>> {
  readonly id: string;
}

/** Returns what is needed to end a session. It contains no token. */
export function endingOf({ id, subject, issuedAt, startedAt, endsAt }: SessionState): Required<EndingSession> {
  return { id, subject, issuedAt, startedAt, endsAt };
}

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

/** What a logout token ends. */
export interface IssuerLogout {
  readonly issuer: string;
  /** `sub`. Without a session, it ends all sessions of the subject that began up to `issuedUntil`. */
  readonly subject: string | undefined;
  /** `sid`: the one session that it ends. */
  readonly issuerSessionId: string | undefined;
  /** `iat`: the time of the logout by the issuer's clock, in whole seconds since the epoch. A login's `iat` may be in the same second. */
  readonly issuedUntil: number;
}

/** Finds and keeps sessions: in a sealed cookie, or in a store behind a cookie that contains only the session's id. */
export interface Sessions {
  /**
   * @param cookieHeader the `Cookie` header of the request, all lines joined by `; `
   * @param canSetCookies whether an answer can carry `Set-Cookie` lines. If not, a later request gets them. The use of the session counts in both cases
   */
  find(cookieHeader: string | undefined, canSetCookies?: boolean): FoundSession | Promise<FoundSession>;
  /**
   * Keeps a new session after a login. Returns the `Set-Cookie` lines. If it replaces a session, put the lines of that session before these: the browser obeys
   * the last line for a name.
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
   * @throws SessionStoreError or RevocationStoreError if other processes may not know of the end yet. In this process, the session has ended
   */
  end(state: SessionState, reason: EndReason, cookieHeader: string | undefined): Promise<EndedSession>;
  /**
   * Ends a session of which little is known: a new login replaced it, and the `Strict` cookie did not come with the callback. It ends for every copy of
   * its cookie. Returns its newest state; undefined if no store has it. @throws SessionStoreError, RevocationStoreError
   *
   * @param reason tells other processes whether the grant at the issuer goes on (`replaced`), or has no use any more (`logout`)
   */
  endReplaced(session: EndingSession, reason: 'replaced' | 'logout'): Promise<SessionState | undefined>;
  /**
   * Ends the sessions that a logout token names, after the revocations know the token. Returns those that a store had: their refresh tokens are left at the issuer.
   * Sessions in cookies show theirs with their next request.
   *
   * @throws SessionStoreError
   */
  endAtIssuer(target: IssuerLogout): Promise<readonly SessionState[]>;
  /** Returns the `Set-Cookie` lines that delete the cookie of a request, whatever it contains. The session goes on. */
  forget(cookieHeader: string | undefined): readonly string[];
}
