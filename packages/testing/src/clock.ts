import type { Clock } from '@tokenward/core';

/** A clock that stands still until it is told: give it to a guard as its `clock`, and to the issuer whose tokens it reads. */
export interface TestClock extends Clock {
  /** Lets time pass, on both clocks. */
  advance(seconds: number): void;
  /** Lets time pass until a moment that is not yet past. */
  set(moment: Moment): void;
  /** Sets the wall clock, as an administrator or NTP would: what was measured by the monotonic one does not age. Negative: back. */
  skewWall(seconds: number): void;
}

/** A date, its ISO text, or milliseconds since the epoch. */
export type Moment = Date | string | number;

/**
 * @param startAt what the wall clock shows at first. Default: the present.
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
        throw new RangeError(`advance(${seconds}): time passes by 0 seconds or more; skewWall() sets the wall clock back`);
      pass(seconds * 1000);
    },
    set(moment: Moment) {
      const milliseconds = millisecondsOf(moment) - now;
      if (milliseconds < 0) throw new RangeError(`set(${String(moment)}): that is ${-milliseconds / 1000} s ago; skewWall() sets the wall clock back`);
      pass(milliseconds);
    },
    skewWall(seconds: number) {
      if (!Number.isFinite(seconds)) throw new RangeError(`skewWall(${seconds}): a finite number of seconds is needed`);
      now += seconds * 1000;
    },
  });
}

function millisecondsOf(moment: Moment): number {
  const milliseconds = typeof moment === 'number' ? moment : new Date(moment).getTime();
  if (!Number.isFinite(milliseconds)) throw new RangeError(`${String(moment)} is no date: give a Date, an ISO text, or milliseconds since the epoch`);
  return milliseconds;
}
