/**
 * Limits how many calls to the issuer run at once. The others wait for their turn. After an outage, or at a large app's morning, thousands of sessions are due at
 * the same moment: if all of them asked the issuer at once, most answers would come too late, with refresh tokens that are lost. And anybody may start logins.
 */
export interface CallLimit {
  /** Runs a call when its turn has come. Returns undefined, without running it, if that takes longer than `waitMs`. */
  run<T extends object>(call: () => Promise<T>, waitMs: number): Promise<T | undefined>;
}

const MAX_WAITING = 20_000;

export function createCallLimit(maxAtOnce: number): CallLimit {
  /** In the order in which they came. */
  const waiting = new Set<() => void>();
  let running = 0;

  function myTurn(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        waiting.delete(start);
        resolve(false);
      }, waitMs);
      function start(): void {
        clearTimeout(timer);
        waiting.delete(start);
        resolve(true);
      }
      waiting.add(start);
    });
  }

  return {
    async run(call, waitMs) {
      if (running < maxAtOnce) running++;
      // a call that ends passes its place on, so the number of running calls stays
      else if (waitMs <= 0 || waiting.size >= MAX_WAITING || !(await myTurn(waitMs))) return undefined;
      try {
        return await call();
      } finally {
        const [next] = waiting;
        if (next) next();
        else running--;
      }
    },
  };
}
