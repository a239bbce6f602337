/** What `close()` waits for. */
export interface Closing {
  /** Says that nothing is open any more. */
  allEnded(): void;
  /** Resolves when `allEnded` is called, and after a few seconds in any case. It may be called several times. */
  wait(): Promise<void>;
}

const CLOSE_MS = 5000;

export function createClosing(): Closing {
  let resolveAll: (() => void) | undefined;
  return {
    allEnded: () => resolveAll?.(),
    wait: () =>
      new Promise((resolve) => {
        // keeps the process alive: what is waited for may be a timer that does not
        const timer = setTimeout(resolve, CLOSE_MS);
        const others = resolveAll;
        resolveAll = () => {
          others?.();
          clearTimeout(timer);
          resolve();
        };
      }),
  };
}
