/** Retries in the background, with exponential back-off, until an attempt succeeds. Its timer does not keep the process alive. */
export interface BackgroundRetry {
  /** Starts retrying, unless it has started already. */
  begin(): void;
  close(): void;
}

const MAX_BACKOFF_SECONDS = 30;

export function createBackgroundRetry(attempt: () => Promise<void>): BackgroundRetry {
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let isRunning = false;
  let closed = false;

  function schedule(): void {
    if (closed) return;
    timer = setTimeout(() => void attempt().then(succeed, schedule), Math.min(MAX_BACKOFF_SECONDS, 2 ** failures++) * 1000);
    timer.unref();
  }

  function succeed(): void {
    isRunning = false;
    failures = 0;
  }

  return {
    begin() {
      if (isRunning || closed) return;
      isRunning = true;
      schedule();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
