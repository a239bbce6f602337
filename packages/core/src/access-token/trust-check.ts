import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Clock } from '../lib/clock.js';
import type { Issuer, Issuers } from '../issuer/issuer.js';
import { isFresh, type Vouched } from '../issuer/verified-key.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/**
 * Checks whether a verified token is still trusted: its key is still one of its issuer's keys, and the guard still knows its issuer. Otherwise a thief with a
 * withdrawn key could choose how long forged tokens stay valid. An introspected token has no key: it is trusted until its issuer says otherwise.
 */
export interface TrustCheck {
  /** Checks a token again for the same request. If the result is false, the request must be authenticated anew. */
  isTrusted(verified: Vouched, request: ProtectedRequest): boolean | Promise<boolean>;
  /**
   * Returns why a token that a guard admitted is no longer trusted; undefined if it is. It never waits: if an `issuers` function returns a promise, or needs a
   * request and there is none, its earlier answers decide.
   */
  failureOf(verified: Vouched, request: ProtectedRequest | undefined): VerificationFailure | undefined;
  /** Returns why a token is no longer trusted, as far as that is known without a request; undefined otherwise. `revoked`: introspection says so. */
  endReasonOf(verified: Vouched): 'revoked' | 'key_withdrawn' | 'issuer_removed' | undefined;
}

/** The shortest time between two calls of an `issuers` function for one issuer without a request. */
const ASK_AGAIN_MS = 10_000;
/** The shortest time between two fetches for an issuer without usable keys. */
const REFRESH_AGAIN_MS = 1000;

/** The last answer of an `issuers` function about one issuer. */
interface ResolverAnswer {
  at: number;
  /** Whether the function once knew the issuer without a request. Only then does `undefined` mean that the issuer is gone. */
  wasKnown: boolean;
  isGone: boolean;
}

/** @param onGone is called when an issuer was removed */
export function createTrustCheck(issuers: Issuers, clock: Pick<Clock, 'monotonic' | 'now'>, onGone: () => void): TrustCheck {
  const answers = new WeakMap<Issuer, ResolverAnswer>();
  const refreshed = new WeakMap<Issuer, number>();

  /** Returns undefined if the issuer has no usable keys now. */
  function stillVouches(verified: Vouched): boolean | undefined {
    if (verified.key === undefined) return verified.standing.isActive;
    const { issuer, key, algorithm, keyId } = verified;
    const keys = issuer.keys.cachedKeys(algorithm, keyId);
    if (!keys) return undefined;
    // after a refresh, the same key may be another object
    return keys.includes(key) || keys.some((one) => one.key.equals(key.key));
  }

  /** Fetches keys without waiting for a request: the next one may come much later. */
  function refresh(verified: Vouched): void {
    if (verified.key === undefined) return;
    const { issuer, algorithm, keyId } = verified;
    const now = clock.monotonic();
    if (now < (refreshed.get(issuer) ?? -Infinity) + REFRESH_AGAIN_MS) return;
    refreshed.set(issuer, now);
    void issuer.keys.fetchKeys(algorithm, keyId);
  }

  function isRemoved(issuer: Issuer): boolean {
    if (issuers.only) return false;
    let answer = answers.get(issuer);
    const now = clock.monotonic();
    if (answer && now < answer.at + ASK_AGAIN_MS) return answer.isGone;
    if (!answer) answers.set(issuer, (answer = { at: now, wasKnown: false, isGone: false }));
    answer.at = now;
    const found = find(issuer, undefined);
    if (found instanceof Promise) found.then(learn, () => {});
    else learn(found);
    return answer.isGone;

    function learn(current: Issuer | undefined): void {
      if (current) answer!.wasKnown = true;
      answer!.isGone = !current && answer!.wasKnown;
      if (answer!.isGone) onGone();
    }
  }

  function find({ rules }: Issuer, request: ProtectedRequest | undefined): Issuer | undefined | Promise<Issuer | undefined> {
    return issuers.only ?? issuers.find(rules.issuer, request);
  }

  /** Returns whether the earlier authentication of a request still stands. */
  function isCurrent(verified: Vouched): boolean {
    if (verified.key === undefined && !isFresh(verified.standing, clock, clock.now() / 1000)) return false;
    return stillVouches(verified) === true;
  }

  return {
    isTrusted(verified, request) {
      const current = find(verified.issuer, request);
      if (!(current instanceof Promise)) return current === verified.issuer && isCurrent(verified);
      return current.then(
        (issuer) => issuer === verified.issuer && isCurrent(verified),
        () => false,
      );
    },
    failureOf(verified, request) {
      const { issuer } = verified;
      const isVouched = stillVouches(verified);
      if (isVouched === undefined) {
        refresh(verified);
        return { reason: 'keys_unavailable', cause: issuer.keys.health().lastError, retryAfterSeconds: 1, issuer };
      }
      if (!isVouched && verified.key === undefined) return { reason: 'inactive_token', cause: 'the issuer no longer vouches for it', issuer };
      if (!isVouched)
        return { reason: 'unknown_key', cause: 'its key was withdrawn', expected: () => issuer.keys.health().keyIds, found: keyIdOf(verified), issuer };
      if (issuers.only) return undefined;
      const current = request && find(issuer, request);
      if (current instanceof Promise) current.catch(() => {});
      const isGone = request && !(current instanceof Promise) ? current === undefined : isRemoved(issuer);
      return isGone ? { reason: 'issuer_mismatch', cause: 'iss', found: issuer.rules.issuer, issuer } : undefined;
    },
    endReasonOf(verified) {
      const isVouched = stillVouches(verified);
      if (isVouched === undefined) refresh(verified);
      if (isVouched === false) return verified.key === undefined ? 'revoked' : 'key_withdrawn';
      return isRemoved(verified.issuer) ? 'issuer_removed' : undefined;
    },
  };
}

function keyIdOf(verified: Vouched): string {
  return (verified.key === undefined ? undefined : verified.keyId) ?? 'none';
}
