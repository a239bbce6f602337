/** Limits how many introspections are under way at a time, and how many wait. */
export interface IntrospectionQueue {
  /**
   * Returns a function to call when the introspection has ended; undefined if it must wait.
   *
   * @param isKnown whether the token was active a short time ago
   */
  tryEnter(isKnown: boolean): (() => void) | undefined;
  /**
   * Waits for a turn, after {@link IntrospectionQueue.tryEnter} found none.
   *
   * @param signal ends the wait
   * @throws QueueFullError if too many wait; the reason of the signal if it aborts
   */
  enter(isKnown: boolean, signal: AbortSignal): Promise<() => void>;
  readonly size: { readonly asking: number; readonly waiting: number };
}

/** Too many introspections wait already. */
export class QueueFullError extends Error {
  constructor() {
    super('too many tokens wait for introspection');
  }
}

type Grant = () => void;

/** The share of simultaneous introspections that is reserved for tokens that were active a short time ago. */
const RESERVED = 0.25;

/**
 * Tokens that were active a short time ago have a queue of their own, which is served first, and some turns of their own. So a flood of unknown tokens does not
 * delay those in use, even if the endpoint is slow.
 */
export function createIntrospectionQueue(maxConcurrent: number, maxQueued: number): IntrospectionQueue {
  const known = new Set<Grant>();
  const others = new Set<Grant>();
  const mostOthers = maxConcurrent === 1 ? 1 : maxConcurrent - Math.ceil(maxConcurrent * RESERVED);
  let asking = 0;
  let askingOthers = 0;

  function hasTurn(isKnown: boolean): boolean {
    return asking < maxConcurrent && (isKnown || askingOthers < mostOthers);
  }

  function begin(isKnown: boolean): () => void {
    asking++;
    if (!isKnown) askingOthers++;
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      asking--;
      if (!isKnown) askingOthers--;
      grantNext();
    };
  }

  /** An introspection that ends frees a turn for at most one other. */
  function grantNext(): void {
    const queue = known.size > 0 ? known : others;
    if (!hasTurn(queue === known)) return;
    for (const grant of queue) {
      queue.delete(grant);
      grant();
      return;
    }
  }

  return {
    tryEnter: (isKnown) => (hasTurn(isKnown) ? begin(isKnown) : undefined),
    enter(isKnown, signal) {
      return new Promise((resolve, reject) => {
        const queue = isKnown ? known : others;
        const giveUp = (): void => {
          queue.delete(grant);
          reject(signal.reason as Error);
        };
        const grant = (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(begin(isKnown));
        };
        if (signal.aborted) return giveUp();
        if (queue.size >= maxQueued) return reject(new QueueFullError());
        queue.add(grant);
        return signal.addEventListener('abort', giveUp);
      });
    },
    get size() {
      return { asking, waiting: known.size + others.size };
    },
  };
}
