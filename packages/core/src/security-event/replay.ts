import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.js';

/** Remembers what may count once: the `jti` of a logout token, of a security event. */
export interface ReplayStore {
  /**
   * Remembers a name, in one step with the question whether it was there.
   *
   * @param name short, and no secret
   * @param ttlSeconds how long it must be remembered
   * @returns true where it is new and is remembered now; false where it was there already; `full` where it is new and there is no room to remember it
   */
  add(name: string, ttlSeconds: number): ReplayAnswer | Promise<ReplayAnswer>;
}

/** What a {@link ReplayStore} says: only false claims that something came again. */
export type ReplayAnswer = boolean | 'full';

const DEFAULT_MAX_ENTRIES = 100_000;
/** To walk through all of them costs milliseconds. */
const LOOK_AGAIN_MS = 1000;

/** Of this process alone. What ends first is looked for only when there is no room. */
export function memoryReplays(clock: Pick<Clock, 'monotonic'>, maxEntries: number = DEFAULT_MAX_ENTRIES): ReplayStore {
  const ends = new Map<string, number>();
  let lookAgainAt = -Infinity;
  return {
    add(name, ttlSeconds) {
      const now = clock.monotonic();
      const known = ends.get(name);
      if (known !== undefined && now < known) return false;
      if (ends.size >= maxEntries && now >= lookAgainAt) {
        lookAgainAt = now + LOOK_AGAIN_MS;
        for (const [other, end] of ends) if (end <= now) ends.delete(other);
      }
      if (ends.size >= maxEntries) return 'full';
      ends.set(name, now + ttlSeconds * 1000);
      return true;
    },
  };
}

/** A name of fixed length for what may be anybody's text. */
export function replayName(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
