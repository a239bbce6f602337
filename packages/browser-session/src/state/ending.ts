import type { RevocationKind } from '@tokenward/core';
import { publish } from '@tokenward/core/adapter';
import type { RevocationRecord } from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';
import { hashOf } from '../hash.js';
import type { SessionState } from '../session-state.js';
import type { EndingSession, EndReason } from '../sessions.js';
import { createEndShares } from './end-shares.js';
import { addedInTime } from './time-limit.js';

/** Whether a session has ended, and how it is ended for every copy of its cookie. */
export interface SessionEnd {
  /** Returns why a session has ended; undefined if it has not; `unavailable` if that cannot be checked now. */
  of(state: SessionState, nowSeconds: number): EndReason | 'unavailable' | undefined;
  /**
   * Whether a session has ended, and not by this app, so that its refresh token was not revoked: it has expired, or the issuer or an administrator has ended it.
   * False if that cannot be checked: a login may have replaced the session, and many issuers keep one grant for both. So it is false if all tokens of the issuer are
   * revoked, since a cut-off does the same in place of records that were evicted. It cannot be checked later than a moment after the absolute end. By then, no
   * browser sends the cookie.
   */
  leavesToken(state: SessionState, nowSeconds: number): boolean;
  /** Whether a session was ended by somebody, as far as this process knows. */
  isRevoked(state: SessionState): boolean;
  /**
   * Whether a login of the same user replaced the session. Its refresh token must then not be revoked: many issuers keep one grant per user and client, and
   * to revoke a refresh token of it would end the new session, too (RFC 7009 s2.1). It is false if the user also logged out of it in this app.
   */
  isReplaced(state: SessionState): boolean;
  /** Ends a session: at once in this process. The promise resolves when all processes that share the revocations will learn of it. @throws RevocationStoreError */
  revoke(session: EndingSession, reason: EndReason): Promise<void>;
}

/** The part of the configuration that decides about the end of sessions. */
export type EndConfig = Pick<SessionConfig, 'clientId' | 'clock' | 'clockSkewSeconds' | 'idleSeconds' | 'issuer' | 'maxSeconds' | 'revocations'>;

/** No issuer's `sid` should begin so. If one does, no more than that session ends. */
const OWN_PREFIX = 'tokenward-session:';
/** Marks the end of all earlier sessions of a user as the work of a new login. */
const REPLACED_PREFIX = 'tokenward-replaced:';
/** What the revocations of a fleet say about a session that a login of the same user has replaced. No other end of this app has this reason. */
const REPLACED = 'session_revoked';

export function createSessionEnd({ clientId, clock, clockSkewSeconds, idleSeconds, issuer, maxSeconds, revocations }: EndConfig): SessionEnd {
  const shares = createEndShares(clock, maxSeconds + clockSkewSeconds);

  /** The end that this app gave the session itself. */
  function ownEnd({ id, issuedAt }: SessionState, nowSeconds: number): RevocationRecord | undefined {
    return named(`${OWN_PREFIX}${id}`, issuedAt, nowSeconds);
  }

  function named(sessionId: string, issuedAt: number, nowSeconds: number): RevocationRecord | undefined {
    return revocations.find({ issuer, tokenId: undefined, sessionId, subject: undefined, clientId: undefined, issuedAt }, nowSeconds);
  }

  /** Another app may share the revocations. A login there does not keep a grant of this client. */
  function replacedName(subject: string): string {
    return `${REPLACED_PREFIX}${hashOf(JSON.stringify([clientId, subject]))}`;
  }

  /** Whether a login ended all sessions of its user up to this one: see `revoke`. */
  function isReplacedWithOthers({ subject, issuedAt }: SessionState, nowSeconds: number): boolean {
    const mark = named(replacedName(subject), issuedAt, nowSeconds);
    return mark !== undefined && isMarkedReplaced(mark);
  }

  function isReplaced(state: SessionState): boolean {
    const nowSeconds = clock.now() / 1000;
    const reason = revokedReason(state, nowSeconds);
    if (reason === undefined || reason === 'logout') return false;
    return reason === 'replaced' || isReplacedWithOthers(state, nowSeconds);
  }

  function issuersEnd({ issuerSessionId, subject, issuedAt }: SessionState, nowSeconds: number): RevocationRecord | undefined {
    return revocations.find({ issuer, tokenId: undefined, sessionId: issuerSessionId, subject, clientId, issuedAt }, nowSeconds);
  }

  function revokedReason(state: SessionState, nowSeconds: number): EndReason | undefined {
    const ended = ownEnd(state, nowSeconds);
    if (ended) return ended.reason === 'logout' ? 'logout' : isMarkedReplaced(ended) ? 'replaced' : 'revoked';
    const revoked = issuersEnd(state, nowSeconds);
    if (revoked) return revoked.reason === 'logout' ? 'backchannel_logout' : 'revoked';
    return undefined;
  }

  /** `!(a < b)`: a clock that returns NaN ends every session. */
  function timeReason({ endsAt, usedAt }: SessionState, nowSeconds: number): 'expired' | 'idle' | undefined {
    if (!(nowSeconds < endsAt)) return 'expired';
    return nowSeconds < usedAt + idleSeconds ? undefined : 'idle';
  }

  /**
   * Revokes the session's own id. If a user has ended more sessions than the user's share, it revokes all of the user's earlier sessions by one revocation
   * instead: the revocations must not overflow, which would end the sessions of others. If a login does that, a mark says so.
   */
  async function revoke({ id, subject, issuedAt, startedAt, endsAt }: EndingSession, reason: EndReason): Promise<void> {
    const now = Math.floor(clock.now() / 1000);
    // a refresh may have moved the end, and the cookie of the request may be from before
    const until = Math.max(now, Math.ceil(endsAt ?? now), Math.ceil(startedAt ?? now) + maxSeconds) + clockSkewSeconds;
    if (subject === undefined || issuedAt === undefined || shares.take(subject)) {
      // the issuer's clock may be ahead of this one, and the session must be covered
      const issuedUntil = issuedAt === undefined ? now + clockSkewSeconds : Math.max(now, Math.floor(issuedAt));
      const why = reason === 'logout' ? 'logout' : reason === 'replaced' ? REPLACED : 'unspecified';
      await addedInTime(revocations.add({ kind: 'session', issuer, value: `${OWN_PREFIX}${id}`, issuedUntil, until, isFinal: true, reason: why }));
    } else {
      // the session of another device may have begun a moment ago
      const lastUntil = Math.max(until, now + maxSeconds + clockSkewSeconds);
      const issuedUntil = Math.floor(issuedAt);
      const why = 'session_revoked';
      // sessions and tokens end that nobody has asked to end
      publish('tokenward:revoked', { issuer, kind: 'subject', reason: why });
      const add = async (kind: RevocationKind, value: string) =>
        addedInTime(revocations.add({ kind, issuer, value, issuedUntil, until: lastUntil, isFinal: true, reason: why }));
      // the mark comes first: whoever learns of the end must know it by then
      await Promise.all([reason === 'replaced' && add('session', replacedName(subject)), add('subject', subject)]);
    }
  }

  return {
    of(state, nowSeconds) {
      // the refresh token of another issuer must not be sent to this one
      if (state.issuer !== issuer) return 'unreadable';
      return timeReason(state, nowSeconds) ?? (revocations.isCurrent() ? revokedReason(state, nowSeconds) : 'unavailable');
    },
    leavesToken(state, nowSeconds) {
      // as long as the revocations keep the end of a session
      const isKnown = nowSeconds < state.endsAt + clockSkewSeconds && revocations.isCurrent();
      // a revocation of the whole issuer, or its cut-off, is found as the end by this app, too
      if (state.issuer !== issuer || !isKnown || ownEnd(state, nowSeconds) || isReplacedWithOthers(state, nowSeconds)) return false;
      return timeReason(state, nowSeconds) !== undefined || issuersEnd(state, nowSeconds) !== undefined;
    },
    isRevoked: (state) => revokedReason(state, clock.now() / 1000) !== undefined,
    isReplaced,
    revoke,
  };
}

/** A revocation of the whole issuer, or its cut-off, covers the session, too. It may have any reason. */
function isMarkedReplaced({ kind, reason }: RevocationRecord): boolean {
  return kind === 'session' && reason === REPLACED;
}
