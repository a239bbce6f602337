/** Where a guard takes the time from. */
export interface Clock {
  /** Milliseconds since the epoch: for what tokens say. */
  now(): number;
  /** Milliseconds since some fixed point, never set back: for the age of what was fetched. */
  monotonic(): number;
}

export const systemClock: Clock = Object.freeze({ now: () => Date.now(), monotonic: () => performance.now() });
