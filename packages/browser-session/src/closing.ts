/** What `close()` waits for. */
export interface Closing {
  /** Says that nothing is open any more. */
  allEnded(): void;
  /** Resolves when `allEnded` is called, and after a few seconds in any case. It may be called several times. */
  wait(): Promise<void>;
  /** Returns for how many milliseconds `wait` still waits at most; Infinity if it was not called. */
  msLeft(): number;
}

const CLOSE_MS = 5000;

export function createClosing(): Closing {
  let resolveAll: (() => void) | undefined;
  let endsAtMs = Infinity;
  return {
    allEnded: () => resolveAll?.(),
    wait: () =>
      new Promise((resolve) => {
        endsAtMs = Math.min(endsAtMs, performance.now() + CLOSE_MS);
        // keeps the process alive: what is waited for may be a timer that does not
        const timer = setTimeout(resolve, CLOSE_MS);
        const others = resolveAll;
        resolveAll = () => {
          others?.();
          clearTimeout(timer);
          resolve();
        };
      }),
    msLeft: () => endsAtMs - performance.now(),
  };
}
