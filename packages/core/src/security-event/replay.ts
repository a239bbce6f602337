import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.js';

/** Remembers what may be used only once: the `jti` of a logout token or of a security event. */
export interface ReplayStore {
  /**
   * Adds a name unless it is present, in one atomic step.
   *
   * @param name short, and not secret
   * @param ttlSeconds how long it must be remembered
   * @returns true if the name is new and was added; false if it was present; `full` if it is new, but there is no room for it
   */
  add(name: string, ttlSeconds: number): ReplayAnswer | Promise<ReplayAnswer>;
}

/** The result of {@link ReplayStore.add}. Only `false` means a replay. */
export type ReplayAnswer = boolean | 'full';

const DEFAULT_MAX_ENTRIES = 100_000;
/** The shortest time between two searches for expired entries, which cost milliseconds. */
const BETWEEN_SWEEPS_MS = 1000;

/** Creates a store for this process alone. It looks for expired entries only if there is no room. */
export function memoryReplays(clock: Pick<Clock, 'monotonic'>, maxEntries: number = DEFAULT_MAX_ENTRIES): ReplayStore {
  const ends = new Map<string, number>();
  let nextSweepAt = -Infinity;
  return {
    add(name, ttlSeconds) {
      const now = clock.monotonic();
      const known = ends.get(name);
      if (known !== undefined && now < known) return false;
      if (ends.size >= maxEntries && now >= nextSweepAt) {
        nextSweepAt = now + BETWEEN_SWEEPS_MS;
        for (const [other, end] of ends) if (end <= now) ends.delete(other);
      }
      if (ends.size >= maxEntries) return 'full';
      ends.set(name, now + ttlSeconds * 1000);
      return true;
    },
  };
}

/** Returns a name of fixed length for texts from a token: their hash. */
export function replayName(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
