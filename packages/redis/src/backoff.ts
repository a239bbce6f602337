import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses between attempts: longer after each failure, at most a second, and random, so that a fleet does not retry all at once. */
export interface Backoff {
  pause(): Promise<void>;
  reset(): void;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

/** @param signal ends a pause early */
export function createBackoff(signal: AbortSignal): Backoff {
  let failures = 0;
  return {
    async pause() {
      const longestMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures++, 10));
      // an aborted pause needs no error: the caller checks the signal
      await sleep(longestMs * (0.5 + Math.random() / 2), undefined, { ref: false, signal }).catch(() => {});
    },
    reset() {
      failures = 0;
    },
  };
}
