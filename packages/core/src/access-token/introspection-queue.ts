/** Limits how many questions are asked at a time, and how many wait. */
export interface QuestionQueue {
  /**
   * Waits for a turn.
   *
   * @param goesFirst whether it comes before the questions that do not: the token was active a short time ago
   * @param signal ends the wait
   * @returns a function to call when the question has ended
   * @throws QueueFullError if too many wait; the reason of the signal if it aborts
   */
  enter(goesFirst: boolean, signal: AbortSignal): Promise<() => void>;
  readonly size: { readonly asking: number; readonly waiting: number };
}

/** Too many questions wait already. */
export class QueueFullError extends Error {
  constructor() {
    super('too many tokens wait for introspection');
  }
}

type Grant = () => void;

/**
 * Tokens that were active a short time ago have a queue of their own, which is served first. So a flood of unknown tokens delays those in use by one question at
 * the most.
 */
export function createQuestionQueue(maxConcurrent: number, maxQueued: number): QuestionQueue {
  const first = new Set<Grant>();
  const others = new Set<Grant>();
  let asking = 0;

  function leave(): void {
    asking--;
    const queue = first.size > 0 ? first : others;
    for (const grant of queue) {
      queue.delete(grant);
      grant();
      return;
    }
  }

  function begin(): () => void {
    asking++;
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      leave();
    };
  }

  return {
    async enter(goesFirst, signal) {
      signal.throwIfAborted();
      if (asking < maxConcurrent) return begin();
      const queue = goesFirst ? first : others;
      if (queue.size >= maxQueued) throw new QueueFullError();
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
      return { asking, waiting: first.size + others.size };
    },
  };
}
