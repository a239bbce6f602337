import { misuse } from './configuration-error.js';
import { shown } from './shown-option.js';

/** A Map throws beyond 2^24 entries. */
export const MOST_ENTRIES = 10_000_000;
/** A tebibyte: more memory than a process has. */
export const MOST_BYTES = 1_099_511_627_776;
/** A hundred years: some tokens last for ten. */
export const MOST_SECONDS = 3_153_600_000;
/** The longest lease of a store of browser sessions: a day. */
export const MOST_LEASE_SECONDS = 86_400;
/** How long a cache of introspection answers keeps one at most: a day. */
export const MOST_INTROSPECTION_SECONDS = 86_400;
/** How long a store of replays remembers a name at most: a year. */
export const MOST_REPLAY_SECONDS = 31_536_000;

/**
 * Checks a limit that the caller of a function chose. With NaN, no comparison holds, and a limit that nothing reaches would not limit anything either.
 *
 * @param path the parameter: `memoryReplays(clock, maxEntries)`
 * @throws ConfigurationError if it is not a whole number from `least` to `most`
 */
export function assertLimit(path: string, limit: number, most: number, least = 1): void {
  if (!(Number.isSafeInteger(limit) && limit >= least && limit <= most))
    throw misuse(path, `must be a whole number from ${least} to ${most} (got ${shown(limit, 'number')})`);
}

/**
 * Checks the lifetime of an entry in a store. Some stores cannot keep a much longer lifetime, and would keep the entry for ever.
 *
 * @param path the parameter: `lease(key, ttlSeconds)`
 * @throws ConfigurationError if it is not a number greater than 0 and at most `most`
 */
export function assertSeconds(path: string, seconds: number, most: number): void {
  if (!(typeof seconds === 'number' && seconds > 0 && seconds <= most))
    throw misuse(path, `must be a number of seconds greater than 0, and at most ${most} (got ${shown(seconds, 'number')})`);
}
