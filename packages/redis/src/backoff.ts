import { setTimeout as sleep } from 'node:timers/promises';

/** Waits between attempts: longer after each failure, up to a second, and never all of a fleet at once. */
export interface Backoff {
  pause(): Promise<void>;
  reset(): void;
}

const FIRST_MS = 50;
const MOST_MS = 1000;

/** @param signal ends a wait */
export function createBackoff(signal: AbortSignal): Backoff {
  let failures = 0;
  return {
    async pause() {
      const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures++, 10));
      // not to wait out is as good: whoever waits looks at what was ended
      await sleep(most * (0.5 + Math.random() / 2), undefined, { ref: false, signal }).catch(() => {});
    },
    reset() {
      failures = 0;
    },
  };
}
