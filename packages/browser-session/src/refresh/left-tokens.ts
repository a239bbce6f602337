import { createLruMap } from '@tokenward/core/store';
import type { SessionState } from '../session-state.js';
import { createSessionEnd } from '../state/ending.js';
import type { Flights } from './flights.js';
import type { RefresherParts } from './refresher-parts.js';
import { revokeRefreshToken } from './revoke-refresh-token.js';

/** The refresh tokens of sessions that expire, or that the issuer or an administrator ends: no logout revokes them, and they would stay valid for weeks. */
export interface LeftTokens {
  /** Revokes the refresh token of a session in the background, once. An older copy of the cookie has no effect after a newer one. */
  revoke(state: SessionState): void;
  /** Does not revoke the refresh tokens of a session, now or later. */
  keep(state: SessionState): void;
}

const MAX_KNOWN = 10_000;
/**
 * While this many are being revoked, further ones are not revoked, and do not wait. A login may follow at any time, and many issuers keep one grant for both
 * sessions, so a late revocation could end the new one.
 */
const MAX_AT_ONCE = 50;

/**
 * @param newest returns the newest state of a session that this process knows
 * @param follow makes `close` wait for work in the background
 */
export function createLeftTokens(
  { config, client, publish, warn }: Pick<RefresherParts, 'config' | 'client' | 'publish' | 'warn'>,
  newest: (state: SessionState) => SessionState,
  follow: Flights['follow'],
): LeftTokens {
  const { clock, idleSeconds, issuer } = config;
  const { isRevoked } = createSessionEnd(config);
  /**
   * Up to which version the tokens of sessions were revoked; Infinity if they are kept. A copy of a cookie from before a refresh may come first, and its token is
   * used up.
   */
  const known = createLruMap<number>(MAX_KNOWN);
  let running = 0;

  /** The issuer was not asked, so this is no outage of the issuer. */
  function leave(): void {
    publish('end', 'failed', 'too_many_revocations');
    warn(
      `tokenward: ${MAX_AT_ONCE} refresh tokens of ended sessions are being revoked at ${issuer}, which is the limit, so that of another session was left there. Check whether the revocation endpoint is slow, and let refresh tokens live little longer than maxSeconds there`,
    );
  }

  function isKnown({ id, version }: SessionState): boolean {
    return version <= (known.get(id) ?? 0);
  }

  function isInUse(state: SessionState): boolean {
    const nowSeconds = clock.now() / 1000;
    return nowSeconds < state.endsAt && nowSeconds < state.usedAt + idleSeconds && !isRevoked(state);
  }

  return {
    revoke(state) {
      const latest = newest(state);
      const { id, version, refreshToken } = latest;
      // in use: the cookie is an older copy
      if (refreshToken === undefined || isKnown(latest) || isInUse(latest)) return;
      if (running >= MAX_AT_ONCE) return leave();
      known.set(id, version);
      running++;
      follow(revokeRefreshToken(refreshToken, 'end', { client, publish }).finally(() => running--));
    },
    keep({ id }) {
      known.set(id, Infinity);
    },
  };
}
