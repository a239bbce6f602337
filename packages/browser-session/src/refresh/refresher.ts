import type { SessionState } from '../session-state.js';
import type { EndingSession, EndReason } from '../sessions.js';

/** The result of asking for a session with a usable access token. */
export type Refreshed =
  | { readonly outcome: 'fresh'; readonly state: SessionState; /** `Set-Cookie` lines for the answer. */ readonly setCookies: readonly string[] }
  /** The issuer refused the refresh token, or the session ended meanwhile. */
  | { readonly outcome: 'ended'; readonly reason: EndReason; readonly setCookies: readonly string[] }
  /** The issuer or the store cannot be reached, and the access token has ended. */
  | {
      readonly outcome: 'unavailable';
      readonly cause: string;
      /** When it may work again, if that is known. */ readonly retryAfterSeconds?: number | undefined;
    };

/** A session that was ended. */
export interface Ending {
  /** The newest state that can be found: its refresh token is the one to revoke. */
  readonly newest: SessionState;
  /** Whether all processes know. If not, it has ended in this one, and the browser loses its cookie. */
  readonly isKnownEverywhere: boolean;
}

/** Keeps access tokens usable: one refresh per session at a time, in this process and in the fleet. */
export interface Refresher {
  /**
   * Returns the session with an access token that is still valid for some seconds. The result is a promise only if the token must be refreshed. It never
   * rejects.
   *
   * @param cookieHeader the request's `Cookie` header, from which the cookies to delete are known if the session has ended
   */
  fresh(state: SessionState, cookieHeader: string | undefined): Refreshed | Promise<Refreshed>;
  /**
   * Returns the newest state of a session that this process knows: its cookie may be from before a refresh whose answer never arrived. It asks nobody, so the
   * access token may have ended.
   */
  newest(state: SessionState): { readonly state: SessionState; /** `Set-Cookie` lines, if it is newer. */ readonly setCookies: readonly string[] };
  /** Returns the newest state of a session that this process knows from a refresh. No request showed its cookie, so unlike {@link newest} this notes no use. */
  known(id: string): SessionState | undefined;
  /**
   * Revokes the refresh token of a session that has expired, or that the issuer or an administrator has ended, in the background and once. Do not call it if a login
   * begins instead of the session: call `keepLeft` then.
   */
  revokeLeft(state: SessionState): void;
  /**
   * Call it if a login begins instead of such a session. Many issuers keep one grant for both, so revoking the previous refresh token would end
   * the new session.
   */
  keepLeft(state: SessionState): void;
  /** Ends a session: the user logs out. It waits for a refresh that is under way, and never rejects. */
  logOut(state: SessionState, cookieHeader: string | undefined): Promise<Ending>;
  /**
   * Ends a session that a new login replaces. Returns its newest state; undefined if nobody knows more than its id.
   *
   * @param state the previous session, if the request has sent its cookie
   * @param keepsGrant the same user has logged in: many issuers keep one grant for both, so the new tokens of a refresh under way are not revoked
   * @throws SessionStoreError or RevocationStoreError (the promise rejects) if other processes may not know of the end yet
   */
  endReplaced(session: EndingSession, state: SessionState | undefined, keepsGrant: boolean): Promise<SessionState | undefined>;
  /**
   * Waits a few seconds for the refreshes under way, and for results that the store has not saved yet: their new refresh tokens would be lost with the process,
   * and the old ones are used up. It waits as long for refresh tokens that are being revoked: nobody else may have them any more.
   */
  close(): Promise<void>;
}
