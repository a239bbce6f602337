/** Runs something a moment after the first call: once, however many calls there were. */
export interface Soon {
  ask(): void;
  /** Cancels the run. */
  cancel(): void;
}

const SOON_MS = 20;

export function createSoon(run: () => void): Soon {
  let timer: NodeJS.Timeout | undefined;

  function cancel(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  return {
    ask() {
      timer ??= setTimeout(() => {
        timer = undefined;
        run();
      }, SOON_MS).unref();
    },
    cancel,
  };
}
