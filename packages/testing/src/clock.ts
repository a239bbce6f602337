import type { Clock } from '@tokenward/core';

/** A clock that stands still until a test moves it. Pass it as `clock` to the guard and to the issuer of its tokens. */
export interface TestClock extends Clock {
  /** Moves the wall clock and the monotonic clock forward. */
  advance(seconds: number): void;
  /** Moves both clocks forward to a moment in the future. */
  set(moment: Moment): void;
  /** Moves the wall clock only, as an administrator or NTP would. A negative number moves it back. */
  skewWall(seconds: number): void;
}

/** A date, its ISO text, or milliseconds since the epoch. */
export type Moment = Date | string | number;

/**
 * Creates a clock that stands still.
 *
 * @param startAt the time that the wall clock shows at first. Default: now.
 *
 * @example
 * const clock = createTestClock('2030-01-01T00:00:00Z');
 * const guard = createResourceGuard({ issuer, audience, clock });
 * clock.advance(301);
 */
export function createTestClock(startAt: Moment = Date.now()): TestClock {
  let now = millisecondsOf(startAt);
  let monotonic = 0;

  function pass(milliseconds: number): void {
    now += milliseconds;
    monotonic += milliseconds;
  }

  return Object.freeze({
    now: () => now,
    monotonic: () => monotonic,
    advance(seconds: number) {
      if (!(seconds >= 0 && seconds < Infinity))
        throw new RangeError(`advance(${seconds}): must be 0 seconds or more. To set the wall clock back, use skewWall()`);
      pass(seconds * 1000);
    },
    set(moment: Moment) {
      const milliseconds = millisecondsOf(moment) - now;
      if (milliseconds < 0)
        throw new RangeError(`set(${String(moment)}): is ${-milliseconds / 1000} s in the past. To set the wall clock back, use skewWall()`);
      pass(milliseconds);
    },
    skewWall(seconds: number) {
      if (!Number.isFinite(seconds)) throw new RangeError(`skewWall(${seconds}): must be a finite number of seconds`);
      now += seconds * 1000;
    },
  });
}

function millisecondsOf(moment: Moment): number {
  const milliseconds = typeof moment === 'number' ? moment : new Date(moment).getTime();
  if (!Number.isFinite(milliseconds)) throw new RangeError(`${String(moment)} is not a date. Pass a Date, an ISO string, or milliseconds since the epoch`);
  return milliseconds;
}
