/**
 * Limits how many calls to the issuer run at once. The others wait for their turn. After an outage, or in the morning, thousands of sessions may be due at the
 * same moment. If all of them called the issuer at once, most answers would arrive too late, and their refresh tokens would be lost. And anybody can start logins.
 */
export interface CallLimit {
  /**
   * Runs a call when its turn has come. Returns undefined, without running it, if that takes longer than `waitMs`, or if the client has left meanwhile.
   *
   * @param client the request that needs the call. Its signal works only as long as something keeps the request, too.
   */
  run<T extends object>(call: () => Promise<T>, waitMs: number, client?: WaitingClient): Promise<T | undefined>;
}

/** A `Request`: its signal is aborted when the client leaves. */
export type WaitingClient = Pick<Request, 'signal'>;

const MAX_WAITING = 20_000;

export function createCallLimit(maxAtOnce: number): CallLimit {
  /** In the order in which they came. Each returns whether it takes the place that is free. */
  const waiting = new Set<() => boolean>();
  let running = 0;

  function myTurn(waitMs: number, client: WaitingClient | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      // read while the client is there: some platforms watch the connection only then
      const signal = client?.signal;
      const timer = setTimeout(() => {
        waiting.delete(start);
        resolve(false);
      }, waitMs);
      function start(): boolean {
        clearTimeout(timer);
        waiting.delete(start);
        const isThere = !client || !signal!.aborted;
        resolve(isThere);
        return isThere;
      }
      waiting.add(start);
    });
  }

  /** A call that ends passes its place on, so the number of running calls does not change. */
  function passOn(): void {
    for (const start of waiting) if (start()) return;
    running--;
  }

  return {
    async run(call, waitMs, client) {
      if (running < maxAtOnce) running++;
      else if (waitMs <= 0 || waiting.size >= MAX_WAITING || !(await myTurn(waitMs, client))) return undefined;
      try {
        return await call();
      } finally {
        passOn();
      }
    },
  };
}
