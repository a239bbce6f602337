import type { Clock } from '../lib/clock.js';
import { misuse } from '../lib/configuration-error.js';
import { assertLimit, assertSeconds, MOST_ENTRIES, MOST_INTROSPECTION_SECONDS } from '../lib/limit.js';
import { createLruMap } from '../lib/lru.js';

/**
 * Shares the answers of introspection endpoints among the processes of a fleet. The guard seals each value and checks it again after it was read, so a store
 * sees neither tokens nor claims, and whoever can write to it can forge nothing. `@tokenward/testing/store-suite` tests an implementation.
 */
export interface IntrospectionCache {
  /** Returns the value of a name; undefined if there is none. A promise that rejects counts as none. */
  get(name: string): string | undefined | Promise<string | undefined>;
  /**
   * Keeps a value for a time, and replaces an earlier one.
   *
   * @param name a hash, of 43 characters
   * @param ttlSeconds how long the value may be returned: greater than 0, and at most a day
   */
  set(name: string, value: string, ttlSeconds: number): void | Promise<void>;
}

interface Kept {
  readonly value: string;
  readonly endsAt: number;
}

const DEFAULT_MAX_ENTRIES = 10_000;

/**
 * Creates a cache for several guards of one process. Each guard keeps answers of its own in any case, so one guard alone needs no cache.
 *
 * @throws ConfigurationError if the clock has no function `monotonic`, or if `maxEntries` is not a whole number from 1 to 10000000
 */
export function memoryIntrospections(clock: Pick<Clock, 'monotonic'>, maxEntries: number = DEFAULT_MAX_ENTRIES): IntrospectionCache {
  if (typeof (clock as Partial<Clock> | undefined)?.monotonic !== 'function' || !Number.isFinite(clock.monotonic()))
    throw misuse('memoryIntrospections(clock)', 'needs the function monotonic(), which must return a number of milliseconds');
  assertLimit('memoryIntrospections(clock, maxEntries)', maxEntries, MOST_ENTRIES);
  const all = createLruMap<Kept>(maxEntries);
  return {
    get(name) {
      const kept = all.get(name);
      if (kept && clock.monotonic() < kept.endsAt) return kept.value;
      all.delete(name);
      return undefined;
    },
    set(name, value, ttlSeconds) {
      assertSeconds('set(name, value, ttlSeconds)', ttlSeconds, MOST_INTROSPECTION_SECONDS);
      all.set(name, { value, endsAt: clock.monotonic() + ttlSeconds * 1000 });
    },
  };
}
