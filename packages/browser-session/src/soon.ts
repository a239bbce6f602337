/** Runs something a moment after it was asked for: once, however often that was. */
export interface Soon {
  ask(): void;
  /** Forgets that it was asked for. */
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
