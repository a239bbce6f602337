import type { Clock } from '../lib/clock.js';

/**
 * The fetches for issuers that no token was verified for yet. Anybody can name such issuers, as many as a resolver or a template agrees to, so all
 * of them share one budget.
 */
export interface Probes {
  /**
   * Takes one fetch from the budget, or waits for one.
   *
   * @param signal ends the wait; its reason is what the promise rejects with
   * @returns gives the fetch back: call it when a token was verified, so that a fleet of honest tenants is never held up
   * @throws ProbeRefusedError where too many wait already
   */
  take(signal: AbortSignal): Promise<() => void>;
}

/** Nobody asked the issuer: the budget for issuers that nobody has verified is used up. */
export class ProbeRefusedError extends Error {
  constructor() {
    super('too many issuers for which no token was verified yet are named at once, so this one was not asked; try again later');
  }
}

const MAX_PROBES = 100;
const MAX_WAITING = 5000;
/** A fetch that led to no verified token comes back after so long. */
const HOLD_SECONDS = 30;

interface Waiting {
  grant(): void;
}

export function createProbes(clock: Clock): Probes {
  // in the order in which they were taken, each with the moment when it comes back
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
