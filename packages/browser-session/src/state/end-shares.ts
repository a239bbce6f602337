import type { Clock } from '@tokenward/core';
import { createLruMap, type LruMap } from '@tokenward/core/store';

/**
 * How many ended sessions of each user have a revocation of their own. The revocations are bounded for all users together, so nobody may fill them by logging
 * in and out: a cut-off would then end the sessions of others.
 */
export interface EndShares {
  /** Takes a place for one more ended session. Returns false if the user's share is used up. */
  take(subject: string): boolean;
}

export interface EndSharesLimits {
  readonly maxPerUser: number;
  /** If more users have ended sessions, the share of a user is this divided by their number, and at least one. */
  readonly maxInAll: number;
  readonly maxUsers: number;
}

const LIMITS: EndSharesLimits = { maxPerUser: 100, maxInAll: 100_000, maxUsers: 100_000 };

/** @param windowSeconds how long an ended session is remembered */
export function createEndShares(
  clock: Pick<Clock, 'monotonic'>,
  windowSeconds: number,
  { maxPerUser, maxInAll, maxUsers }: EndSharesLimits = LIMITS,
): EndShares {
  // an ended session counts for one to two windows
  let former = createLruMap<number>(maxUsers);
  let current = createLruMap<number>(maxUsers);
  let endsAtMs = clock.monotonic() + windowSeconds * 1000;

  function turn(): void {
    const nowMs = clock.monotonic();
    if (nowMs < endsAtMs) return;
    // after two windows without a call, nothing is left
    former = nowMs < endsAtMs + windowSeconds * 1000 ? current : createLruMap<number>(maxUsers);
    current = createLruMap<number>(maxUsers);
    endsAtMs = nowMs + windowSeconds * 1000;
  }

  function share(): number {
    const users: LruMap<number> = current.size > former.size ? current : former;
    return Math.min(maxPerUser, Math.max(1, Math.floor(maxInAll / Math.max(1, users.size))));
  }

  return {
    take(subject) {
      turn();
      const count = current.get(subject) ?? 0;
      if (count + (former.get(subject) ?? 0) >= share()) return false;
      current.set(subject, count + 1);
      return true;
    },
  };
}
