import { createLruMap } from '@tokenward/core/store';
import type { EndReason } from '../sessions.js';
import type { SessionState } from '../session-state.js';
import { createSessionEnd } from '../state/ending.js';
import { createLateLogouts } from './late-logouts.js';
import type { RefreshMemory } from './refresh-memory.js';
import type { Refreshed } from './refresher.js';
import type { RefresherParts } from './refresher-parts.js';
import { revokeRefreshToken } from './revoke-refresh-token.js';

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

export function createSessionEnder({ config, client, sessions, publish }: RefresherParts, memory: RefreshMemory): SessionEnder {
  const parts = { client, publish };
  const { isLoggedOut, isRevoked } = createSessionEnd(config);
  // a store tells whoever removes a session its newest refresh token
  const lateLogouts = config.store ? undefined : createLateLogouts(config, isLoggedOut, revokeLate);
  /** Sessions that a login of the same user has replaced: revoking a refresh token of their grant would end the new session, too (RFC 7009 s2.1). */
  const replaced = createLruMap<true>(MAX_REPLACED);

  function revokeLate({ id, refreshToken }: SessionState): void {
    memory.forget(id);
    void revokeRefreshToken(refreshToken, 'logout', parts);
  }

  function ended(id: string, reason: EndReason, setCookies: readonly string[]): Refreshed {
    memory.forget(id);
    return { outcome: 'ended', reason, setCookies };
  }

  return {
    ended,
    async end(state, reason, cookieHeader, refreshToken) {
      const left = replaced.get(state.id) ? undefined : refreshToken;
      publish('end', 'done', reason);
      lateLogouts?.delete(state.id);
      let setCookies: readonly string[];
      try {
        ({ setCookies } = await sessions.end(state, reason, cookieHeader));
      } catch {
        // it has ended in this process; the others learn it at their own attempt
        setCookies = sessions.forget(cookieHeader);
      }
      await revokeRefreshToken(left, 'end', parts);
      return ended(state.id, reason, setCookies);
    },
    async endedMeanwhile(state, next, cookieHeader) {
      // the login may have come to another process, which says so by the revocation
      const isReplaced = replaced.get(state.id) || (isRevoked(state) && !isLoggedOut(state));
      if (!isReplaced) await revokeRefreshToken(next.refreshToken, 'logout', parts);
      const found = await sessions.find(cookieHeader, false);
      return ended(state.id, found.kind === 'ended' ? found.reason : 'revoked', sessions.forget(cookieHeader));
    },
    watch: (next) => lateLogouts?.add(next),
    stopWatching: (id) => lateLogouts?.delete(id),
    keepGrant: (id) => replaced.set(id, true),
  };
}
