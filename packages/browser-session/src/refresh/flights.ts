import { createClosing } from '../closing.js';
import type { Refreshed } from './refresher.js';

/** A refresh that is under way. */
export interface Flight {
  readonly result: Promise<Refreshed>;
  /** Until when requests wait for it, by `performance.now()`. */
  readonly untilMs: number;
}

/** The refreshes that are under way. All requests of a session share one. */
export interface Flights {
  get(id: string): Flight | undefined;
  start(id: string, run: () => Promise<Refreshed>): Flight;
  /**
   * Returns the result; undefined if it takes too long for those who wait. The refresh goes on: a late answer of the issuer contains a refresh token, too, and
   * the old one is used up.
   */
  inTime(flight: Flight): Promise<Refreshed | undefined>;
  /** Makes `close` wait for work in the background, such as a result that the store has not saved yet. It must not reject. */
  follow(work: Promise<unknown>): void;
  /** Returns for how many milliseconds such work may wait for others: `mostMs`, or less after `close` was called, which leaves time for what comes after the wait. */
  patienceMs(mostMs: number): number;
  /** Resolves when nothing is under way, and after a few seconds in any case. */
  close(): Promise<void>;
}

/** What `close` leaves of its time for a call to the issuer after a wait. */
const AFTER_WAIT_MS = 1500;

export function createFlights(patienceMs: number): Flights {
  const flights = new Map<string, Flight>();
  const left = new Set<Promise<unknown>>();
  const closing = createClosing();

  function end(id: string): void {
    flights.delete(id);
    tellEnd();
  }

  function tellEnd(): void {
    if (flights.size + left.size === 0) closing.allEnded();
  }

  return {
    get: (id) => flights.get(id),
    start(id, run) {
      const result = run().finally(() => end(id));
      // perhaps nobody waits any more when it fails
      result.catch(() => {});
      const flight = { result, untilMs: performance.now() + patienceMs };
      flights.set(id, flight);
      return flight;
    },
    async inTime({ result, untilMs }) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), Math.max(0, untilMs - performance.now()));
        timer.unref();
      });
      try {
        return await Promise.race([result, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    follow(work) {
      left.add(work);
      void work.finally(() => {
        left.delete(work);
        tellEnd();
      });
    },
    patienceMs: (mostMs) => Math.max(0, Math.min(mostMs, closing.msLeft() - AFTER_WAIT_MS)),
    async close() {
      if (flights.size + left.size > 0) await closing.wait();
    },
  };
}
