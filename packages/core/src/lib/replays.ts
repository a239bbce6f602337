import type { Clock } from './clock.js';
import { misuse } from './configuration-error.js';
import type { OptionReader } from './option-reader.js';
import { sha256 } from './sha256.js';
import { shown } from './shown-option.js';

/** Remembers what may be used only once: the `jti` of a DPoP proof, of a logout token or of a security event. */
export interface ReplayStore {
  /**
   * Adds a name unless it is present, in one atomic step. A store that cannot say whether the name is new must throw or reject, and never return true.
   *
   * @param name short, and not secret
   * @param ttlSeconds how long it must be remembered at least: a finite number greater than 0
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
      // a name whose end is no number would be forgotten at once
      if (!(ttlSeconds > 0 && ttlSeconds < Infinity)) throw misuse('add()', 'ttlSeconds must be a finite number greater than 0');
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
  return sha256(JSON.stringify(parts));
}

/** Reads an option that takes a store. */
export function readReplays(reader: OptionReader, name: string): ReplayStore | undefined {
  const replays = reader.get(name) as Partial<ReplayStore> | null | undefined;
  if (replays !== undefined && typeof replays?.add !== 'function') reader.wrong(name, `must be a ReplayStore (got ${shown(replays)})`);
  return replays as ReplayStore | undefined;
}
