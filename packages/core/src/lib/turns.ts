/** Limits how many tasks run at a time, and how many wait for their turn. */
export interface Turns {
  /**
   * Waits for a turn, in the order of the calls.
   *
   * @param signal ends the wait
   * @returns a function to call when the turn has ended
   * @throws TooManyWaitError if too many tasks wait; the reason of the signal if it aborts
   */
  take(signal: AbortSignal): Promise<() => void>;
  readonly size: { readonly running: number; readonly waiting: number };
}

/** Too many tasks wait already. */
export class TooManyWaitError extends Error {
  constructor() {
    super('too many wait already');
  }
}

export function createTurns(maxRunning: number, maxWaiting: number): Turns {
  const queue = new Set<() => void>();
  let running = 0;

  function begin(): () => void {
    running++;
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      running--;
      for (const grant of queue) {
        queue.delete(grant);
        grant();
        return;
      }
    };
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (running < maxRunning) return begin();
      if (queue.size >= maxWaiting) throw new TooManyWaitError();
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          queue.delete(grant);
          reject(signal.reason as Error);
        };
        const grant = (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(begin());
        };
        queue.add(grant);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
    get size() {
      return { running, waiting: queue.size };
    },
  };
}
