import type { OptionReader } from './option-reader.js';

/** The source of a guard's time. */
export interface Clock {
  /** Returns milliseconds since the epoch, to compare with the dates in tokens. */
  now(): number;
  /** Returns milliseconds since a fixed point, and never goes back: for the age of keys and caches. */
  monotonic(): number;
}

/** Read once: the global property is a getter, which costs half as much as the clock itself. */
const timer = performance;

export const systemClock: Clock = Object.freeze({ now: () => Date.now(), monotonic: () => timer.now() });

export const CLOCK_NEEDED = 'needs the functions now() and monotonic(). Both must return a number of milliseconds';

/** Reads the option `clock`. The default is the system's clock. */
export function readClock(reader: OptionReader): Clock {
  const clock = reader.get('clock') as Partial<Clock> | undefined;
  if (clock === undefined) return systemClock;
  if (!isClock(clock)) reader.wrong('clock', CLOCK_NEEDED);
  return clock as Clock;
}

export function isClock(clock: Partial<Clock> | undefined): clock is Clock {
  return typeof clock?.now === 'function' && typeof clock.monotonic === 'function' && Number.isFinite(clock.now()) && Number.isFinite(clock.monotonic());
}
