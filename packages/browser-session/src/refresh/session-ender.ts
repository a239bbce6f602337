import { createLruMap } from '@tokenward/core/store';
import type { EndReason } from '../sessions.js';
import type { SessionState } from '../session-state.js';
import { createSessionEnd } from '../state/ending.js';
import type { Flights } from './flights.js';
import type { LeftTokens } from './left-tokens.js';
import { createLateLogouts } from './late-logouts.js';
import type { RefreshMemory } from './refresh-memory.js';
import type { Refreshed } from './refresher.js';
import type { RefresherParts } from './refresher-parts.js';
import { revokeRefreshToken } from './revoke-refresh-token.js';
import { pause } from './turn.js';

/** Ends sessions because of a refresh. If a session ended during its refresh, revokes the new refresh token. */
export interface SessionEnder {
  /** Ends a session. @param refreshToken what is left of it at the issuer; undefined if nothing is */
  end(state: SessionState, reason: EndReason, cookieHeader: string | undefined, refreshToken?: string): Promise<Refreshed>;
  /** A logout wins over a refresh under way. Only this process knows the refresh token that the issuer has just sent. */
  endedMeanwhile(state: SessionState, next: SessionState, cookieHeader: string | undefined): Promise<Refreshed>;
  /** Returns the result for a session that somebody else has ended. */
  ended(id: string, reason: EndReason, setCookies: readonly string[]): Refreshed;
  /** Watches for a logout that another process has not told this one yet. */
  watch(next: SessionState): void;
  /** Call it if the session is about to end in this process. */
  stopWatching(id: string): void;
  /** Call it if a login of the same user replaces the session. The new tokens of a refresh under way are then not revoked. */
  keepGrant(id: string): void;
}

/** Only sessions with a refresh under way matter. */
const MAX_REPLACED = 10_000;
/** How long the revocation that says why a session has ended may take to arrive. It is shorter than what `close` waits for. */
const LATE_REVOCATION_MS = 3000;

/**
 * @param flights makes `close` wait for work in the background
 * @param leftTokens revokes the tokens of sessions that have ended elsewhere, unless a request has done so, or a login begins
 */
export function createSessionEnder(
  { config, client, sessions, publish }: RefresherParts,
  memory: RefreshMemory,
  flights: Pick<Flights, 'follow' | 'patienceMs'>,
  leftTokens: LeftTokens,
): SessionEnder {
  const parts = { client, publish };
  const { isReplaced, isRevoked } = createSessionEnd(config);
  // a store tells whoever removes a session its newest refresh token
  const lateLogouts = config.store ? undefined : createLateLogouts(config, (state) => isRevoked(state) && !isReplaced(state), revokeLate);
  /** Sessions that a login of the same user has replaced: revoking a refresh token of their grant would end the new session, too (RFC 7009 s2.1). */
  const replaced = createLruMap<true>(MAX_REPLACED);

  function revokeLate(state: SessionState): void {
    memory.forget(state.id);
    leftTokens.revoke(state);
  }

  /** Whether a login of the same user has replaced a session that has ended. The login may have come to another process, which says so by the revocation. */
  function keepsGrant(state: SessionState): boolean {
    return replaced.get(state.id) === true || isReplaced(state);
  }

  async function revokeUnlessReplaced(state: SessionState, refreshToken: string | undefined, action: 'logout' | 'end'): Promise<void> {
    if (!keepsGrant(state)) await revokeRefreshToken(refreshToken, action, parts);
  }

  /** Does the same in the background, after a wait for the revocation that says why the session has ended. */
  function revokeAfter(wait: Promise<void>, state: SessionState, refreshToken: string | undefined, action: 'logout' | 'end'): void {
    flights.follow(wait.then(() => revokeUnlessReplaced(state, refreshToken, action)));
  }

  /** Waits for the revocation of a session. Without shared revocations, that never comes. */
  function untilRevoked(state: SessionState): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(end, flights.patienceMs(LATE_REVOCATION_MS)).unref();
      const unlisten = config.revocations.onAdded(() => isRevoked(state) && end());
      function end(): void {
        clearTimeout(timer);
        unlisten();
        resolve();
      }
    });
  }

  function ended(id: string, reason: EndReason, setCookies: readonly string[]): Refreshed {
    memory.forget(id);
    return { outcome: 'ended', reason, setCookies };
  }

  return {
    ended,
    async end(state, reason, cookieHeader, refreshToken) {
      publish('end', 'done', reason);
      lateLogouts?.delete(state.id);
      let setCookies: readonly string[];
      try {
        ({ setCookies } = await sessions.end(state, reason, cookieHeader));
      } catch {
        // it has ended in this process; the others learn it at their own attempt
        setCookies = sessions.forget(cookieHeader);
      }
      // A login in another process may have replaced it, which this process learns a moment later. It does not look at each revocation that arrives: if the answers of
      // the issuer fail a check, thousands of sessions may wait, and each adds a revocation
      if (refreshToken !== undefined && config.sharesRevocations && !keepsGrant(state))
        revokeAfter(pause(flights.patienceMs(LATE_REVOCATION_MS)), state, refreshToken, 'end');
      else await revokeUnlessReplaced(state, refreshToken, 'end');
      return ended(state.id, reason, setCookies);
    },
    async endedMeanwhile(state, next, cookieHeader) {
      leftTokens.keep(state);
      // the removal of a session from the store may arrive before the revocation that says why
      if (keepsGrant(state) || isRevoked(state)) await revokeUnlessReplaced(state, next.refreshToken, 'logout');
      else revokeAfter(untilRevoked(state), state, next.refreshToken, 'logout');
      const found = await sessions.find(cookieHeader, false);
      return ended(state.id, found.kind === 'ended' ? found.reason : 'revoked', sessions.forget(cookieHeader));
    },
    watch: (next) => lateLogouts?.add(next),
    stopWatching: (id) => lateLogouts?.delete(id),
    keepGrant: (id) => replaced.set(id, true),
  };
}
