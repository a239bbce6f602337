import type { Clock } from '../lib/clock.js';

/**
 * The budget for fetching the keys of unverified issuers: those without a verified token so far. A token can name any of the
 * issuers that an `issuers` function or a template accepts, so all of them share one budget.
 */
export interface Probes {
  /**
   * Takes one fetch from the budget, or waits until there is one.
   *
   * @param signal ends the wait
   * @returns a function that returns the fetch to the budget. Call it when a token is verified, so that tenants with valid tokens are never delayed
   * @throws ProbeRefusedError if too many fetches wait already, or if the signal aborts while it waits
   */
  take(signal: AbortSignal): Promise<() => void>;
}

/** The issuer was not asked, because the budget for unverified issuers is used up. */
export class ProbeRefusedError extends Error {
  constructor() {
    super('tokens name too many unverified issuers at once, so this one was not asked; try again later');
  }
}

const MAX_PROBES = 100;
const MAX_WAITING = 5000;
/** When a fetch returns to the budget, if it led to no verified token. */
const HOLD_SECONDS = 30;

interface Waiting {
  grant(): void;
}

export function createProbes(clock: Clock): Probes {
  // in the order in which they were taken, each with the time at which it returns
  const taken = new Map<symbol, number>();
  const queue = new Set<Waiting>();

  function hasRoom(): boolean {
    const now = clock.monotonic();
    for (const [probe, until] of taken) {
      if (until > now) break;
      taken.delete(probe);
    }
    return taken.size < MAX_PROBES;
  }

  function take(): () => void {
    const probe = Symbol('probe');
    taken.set(probe, clock.monotonic() + HOLD_SECONDS * 1000);
    return () => {
      if (taken.delete(probe)) serve();
    };
  }

  function serve(): void {
    for (const waiting of queue) {
      if (!hasRoom()) return;
      queue.delete(waiting);
      waiting.grant();
    }
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      serve();
      if (queue.size === 0 && hasRoom()) return take();
      if (queue.size >= MAX_WAITING) throw new ProbeRefusedError();
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          queue.delete(waiting);
          reject(new ProbeRefusedError());
        };
        const waiting: Waiting = {
          grant() {
            signal.removeEventListener('abort', giveUp);
            resolve(take());
          },
        };
        queue.add(waiting);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}
