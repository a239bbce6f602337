import { CLOCK_NEEDED, isClock, type Clock } from './clock.js';
import { misuse } from './configuration-error.js';
import { assertLimit, assertSeconds, MOST_ENTRIES, MOST_REPLAY_SECONDS } from './limit.js';
import type { OptionReader } from './option-reader.js';
import { sha256 } from './sha256.js';
import { shown } from './shown-option.js';

/** Remembers what may be used only once: the `jti` of a DPoP proof, of a logout token or of a security event. */
export interface ReplayStore {
  /**
   * Adds a name unless it is present, in one atomic step. A store that cannot say whether the name is new must throw or reject, and never return true.
   *
   * @param name short, and not secret
   * @param ttlSeconds how long it must be remembered at least: greater than 0, and at most a year
   * @param owner who caused the name, as a short text that is not secret: nobody may fill the store for the others. A store may ignore it
   * @returns true if the name is new and was added; false if it was present; `full` if it is new, but there is no room for it; `owner-full` if there is no room
   *   for another name of this owner
   */
  add(name: string, ttlSeconds: number, owner?: string): ReplayAnswer | Promise<ReplayAnswer>;
}

/** The result of {@link ReplayStore.add}. Only `false` means a replay. */
export type ReplayAnswer = boolean | 'full' | 'owner-full';

/** How many names of an owner are in the store. */
interface Share {
  readonly owner: string;
  held: number;
}

interface Entry {
  /** By the monotonic clock. */
  readonly end: number;
  /** By the wall clock, which decides whether the sender's text is still valid. If it is set back, this comes later. */
  readonly validUntil: number;
  /** undefined: the name has no owner. */
  readonly share: Share | undefined;
}

const DEFAULT_MAX_ENTRIES = 100_000;
/** The shortest time between two searches for expired entries, which cost milliseconds. */
const BETWEEN_SWEEPS_MS = 1000;

/**
 * Creates a store for this process alone. It looks for expired entries only if there is no room. An entry counts until both clocks have passed its end, so that
 * a name still counts after the wall clock was set back. Only a store that is full, or an owner's share of it, goes by the monotonic clock alone: a step of the
 * clock must not refuse everybody.
 *
 * An owner may have at most as many names as there is still room for: one alone fills half of the store, two fill a third each, and there is always room for
 * another owner. Names without an owner may fill the store.
 *
 * @throws ConfigurationError if the clock lacks one of its functions, or if `maxEntries` is not a whole number from 1 to 10000000
 */
export function memoryReplays(clock: Clock, maxEntries: number = DEFAULT_MAX_ENTRIES): ReplayStore {
  if (!isClock(clock)) throw misuse('memoryReplays(clock)', CLOCK_NEEDED);
  assertLimit('memoryReplays(clock, maxEntries)', maxEntries, MOST_ENTRIES);
  const entries = new Map<string, Entry>();
  /** Only of owners that have names, so there are no more of them than names. */
  const shares = new Map<string, Share>();
  let nextSweepAt = -Infinity;

  function forget(name: string, { share }: Entry): void {
    entries.delete(name);
    if (share && --share.held === 0) shares.delete(share.owner);
  }

  function sweep(isExpired: (entry: Entry) => boolean): void {
    for (const [name, entry] of entries) if (isExpired(entry)) forget(name, entry);
  }

  function refusal(owner: string | undefined): 'full' | 'owner-full' | undefined {
    const room = maxEntries - entries.size;
    if (room <= 0) return 'full';
    const share = owner === undefined ? undefined : shares.get(owner);
    return share && share.held >= room ? 'owner-full' : undefined;
  }

  function shareOf(owner: string): Share {
    let share = shares.get(owner);
    if (!share) shares.set(owner, (share = { owner, held: 0 }));
    share.held++;
    return share;
  }

  return {
    add(name, ttlSeconds, owner) {
      // a name whose end is not a number would be evicted at once
      assertSeconds('add(name, ttlSeconds)', ttlSeconds, MOST_REPLAY_SECONDS);
      const now = clock.monotonic();
      const wallNow = clock.now();
      const known = entries.get(name);
      if (known) {
        if (now < known.end || wallNow < known.validUntil) return false;
        forget(name, known);
      }
      let refused = refusal(owner);
      if (refused && now >= nextSweepAt) {
        nextSweepAt = now + BETWEEN_SWEEPS_MS;
        sweep(({ end, validUntil }) => end <= now && validUntil <= wallNow);
        refused = refusal(owner);
        if (refused) {
          const isFull = refused === 'full';
          sweep(({ end, share }) => end <= now && (isFull || share?.owner === owner));
          refused = refusal(owner);
        }
      }
      if (refused) return refused;
      const ttlMs = ttlSeconds * 1000;
      entries.set(name, { end: now + ttlMs, validUntil: wallNow + ttlMs, share: owner === undefined ? undefined : shareOf(owner) });
      return true;
    },
  };
}

/** Returns a name of fixed length, of an entry or an owner, for texts from a token: their hash. */
export function replayName(...parts: readonly string[]): string {
  return sha256(JSON.stringify(parts));
}

/** Reads an option that takes a store. */
export function readReplays(reader: OptionReader, name: string): ReplayStore | undefined {
  const replays = reader.get(name) as Partial<ReplayStore> | null | undefined;
  if (replays !== undefined && typeof replays?.add !== 'function') reader.wrong(name, `must be a ReplayStore (got ${shown(replays)})`);
  return replays as ReplayStore | undefined;
}
