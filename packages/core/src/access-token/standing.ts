import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Clock } from '../lib/clock.js';
import type { Issuer, Issuers } from '../issuer/issuer.js';
import type { VerifiedKey } from '../issuer/verified-key.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/**
 * Whether what stood behind a token when it was verified still does: its key is one of its issuer's, and the issuer one of the guard's. Whoever has a
 * withdrawn key chooses how long its tokens live.
 */
export interface Standing {
  /** For the same request, once more: false where it must be looked at anew. */
  stands(verified: VerifiedKey, request: ProtectedRequest): boolean | Promise<boolean>;
  /** Without waiting: what an admitted token is refused for. A resolver that answers later, or needs a request that is not given, is not asked here. */
  refusalOf(verified: VerifiedKey, request: ProtectedRequest | undefined): VerificationFailure | undefined;
  /** Without a request: what is known to be gone. */
  endingOf(verified: VerifiedKey): 'key_withdrawn' | 'issuer_removed' | undefined;
}

/** A resolver is asked so often at the most for signals, and for `permit` without a request; and a key source that has no usable keys. */
const ASK_AGAIN_MS = 10_000;
const REFRESH_AGAIN_MS = 1000;

/** What is known of an issuer that a resolver knows. */
interface Asked {
  at: number;
  /** Whether the resolver knew it without a request: then it can say without one that it does not any more. */
  wasKnown: boolean;
  isGone: boolean;
}

/** @param gone is told when it is found out that an issuer is gone */
export function createStanding(issuers: Issuers, clock: Pick<Clock, 'monotonic'>, gone: () => void): Standing {
  const asked = new WeakMap<Issuer, Asked>();
  const refreshed = new WeakMap<Issuer, number>();

  /** true, or false; undefined where no usable keys are at hand to tell by. */
  function hasKey({ issuer, key, algorithm, keyId }: VerifiedKey): boolean | undefined {
    const keys = issuer.keys.held(algorithm, keyId);
    if (!keys) return undefined;
    // a key that was read anew is another object
    return keys.includes(key) || keys.some((one) => one.key.equals(key.key));
  }

  /** Nobody may come for a long time who would have the keys fetched. */
  function refresh({ issuer, algorithm, keyId }: VerifiedKey): void {
    const now = clock.monotonic();
    if (now < (refreshed.get(issuer) ?? -Infinity) + REFRESH_AGAIN_MS) return;
    refreshed.set(issuer, now);
    void issuer.keys.newer(algorithm, keyId);
  }

  function isRemoved(issuer: Issuer): boolean {
    if (issuers.only) return false;
    let known = asked.get(issuer);
    const now = clock.monotonic();
    if (known && now < known.at + ASK_AGAIN_MS) return known.isGone;
    if (!known) asked.set(issuer, (known = { at: now, wasKnown: false, isGone: false }));
    known.at = now;
    const found = find(issuer, undefined);
    if (found instanceof Promise) found.then(learn, () => {});
    else learn(found);
    return known.isGone;

    function learn(current: Issuer | undefined): void {
      if (current) known!.wasKnown = true;
      known!.isGone = !current && known!.wasKnown;
      if (known!.isGone) gone();
    }
  }

  function find({ rules }: Issuer, request: ProtectedRequest | undefined): Issuer | undefined | Promise<Issuer | undefined> {
    return issuers.only ?? issuers.find(rules.issuer, request);
  }

  return {
    stands(verified, request) {
      const current = find(verified.issuer, request);
      if (!(current instanceof Promise)) return current === verified.issuer && hasKey(verified) === true;
      return current.then(
        (issuer) => issuer === verified.issuer && hasKey(verified) === true,
        () => false,
      );
    },
    refusalOf(verified, request) {
      const { issuer, keyId } = verified;
      const has = hasKey(verified);
      if (has === undefined) {
        refresh(verified);
        return { reason: 'keys_unavailable', cause: issuer.keys.health().lastError, retryAfterSeconds: 1, issuer };
      }
      if (!has) return { reason: 'unknown_key', cause: 'its key was withdrawn', expected: () => issuer.keys.health().keyIds, found: keyId ?? 'none', issuer };
      if (issuers.only) return undefined;
      const current = request && find(issuer, request);
      if (current instanceof Promise) current.catch(() => {});
      const isGone = request && !(current instanceof Promise) ? current === undefined : isRemoved(issuer);
      return isGone ? { reason: 'issuer_mismatch', cause: 'iss', found: issuer.rules.issuer, issuer } : undefined;
    },
    endingOf(verified) {
      const has = hasKey(verified);
      if (has === undefined) refresh(verified);
      if (has === false) return 'key_withdrawn';
      return isRemoved(verified.issuer) ? 'issuer_removed' : undefined;
    },
  };
}
