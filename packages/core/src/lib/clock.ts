import type { OptionReader } from './option-reader.js';

/** Where a guard takes the time from. */
export interface Clock {
  /** Milliseconds since the epoch: for what tokens say. */
  now(): number;
  /** Milliseconds since some fixed point, never set back: for the age of what was fetched. */
  monotonic(): number;
}

export const systemClock: Clock = Object.freeze({ now: () => Date.now(), monotonic: () => performance.now() });

/** Reads the option `clock`: the system's where it is absent. */
export function readClock(reader: OptionReader): Clock {
  const clock = reader.get('clock') as Partial<Clock> | undefined;
  if (clock === undefined) return systemClock;
  if (typeof clock?.now !== 'function' || typeof clock.monotonic !== 'function' || !Number.isFinite(clock.now()) || !Number.isFinite(clock.monotonic())) {
    reader.wrong('clock', 'needs the functions now() and monotonic(), which both answer with a number of milliseconds');
  }
  return clock as Clock;
}
