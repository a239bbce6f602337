/** Measures how long the API keeps the proxy waiting. */
export interface Patience {
  start(): void;
  stop(): void;
  /** From now on it has no end. */
  end(): void;
}

/** @param lost is called when it has waited for too long */
export function createPatience(ms: number, lost: () => void): Patience {
  let timer: NodeJS.Timeout | undefined;
  let isEndless = false;
  return {
    start() {
      clearTimeout(timer);
      if (!isEndless) timer = setTimeout(lost, ms).unref();
    },
    stop() {
      clearTimeout(timer);
    },
    end() {
      isEndless = true;
    },
  };
}
