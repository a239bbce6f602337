import type { Look } from './replies.js';

/** How long a process waits, after a loss of data, for what other processes write back. */
export interface Settling {
  /** Waits until the others have begun and finished. Call it after a start or a lost connection: this process may not have their records. */
  require(): void;
  /** Waits only for what others learned right before a loss. Call it if this process had everything until then. */
  gather(isNewConnection: boolean): void;
  /** Extends the wait if the server shows that others are still writing, or that its data is new. */
  observe(look: Look): void;
  /** When the wait ends, by `performance.now()`, unless it is extended until then. 0: it does not wait, or the server has not answered yet. */
  readonly untilMs: number;
  readonly remainingMs: number;
  end(): void;
}

/** The longest that the other processes take to begin writing back. */
export const SETTLE_SECONDS = 3;
/** The longest that a process waits for the recent records of the others. */
export const MAX_GATHER_SECONDS = 5;

const WRITE_BACK_LOOK_MS = 250;
/** A process that ends while it writes back is waited for only as long as it announced. This ends the wait for one that goes on forever. */
const MAX_WRITE_BACK_MS = 600_000;
/** How long the others take to begin writing their recent records: over an open connection, and over a new one. */
const GATHER_MS = 500;
const RECONNECTED_GATHER_MS = 1500;
const GATHER_LOOK_MS = 20;

/** Waits for everything that others write back. */
interface Settle {
  untilMs: number;
  firstObservedAtMs: number | undefined;
}

/** Waits only for what others learned right before the loss. */
interface Gather {
  untilMs: number;
  readonly maxMs: number;
}

export function createSettling(): Settling {
  // a process that starts must settle
  let settle: Settle | undefined = { untilMs: 0, firstObservedAtMs: undefined };
  let gather: Gather | undefined;

  function extendSettle(settle: Settle, { epoch, serverSeconds, isWrittenBack, uptimeSeconds }: Look): void {
    const nowMs = performance.now();
    settle.firstObservedAtMs ??= nowMs;
    const ageSeconds = serverSeconds - Number.parseInt(epoch!, 10);
    // Wait if the data set is new, or if the server has just started: it may have read older data from its disk. A negative age is ignored,
    // since the server's clock was set back.
    for (const seconds of [ageSeconds, uptimeSeconds]) {
      if (seconds >= 0 && seconds < SETTLE_SECONDS) settle.untilMs = Math.max(settle.untilMs, nowMs + (SETTLE_SECONDS - seconds) * 1000);
    }
    if (isWrittenBack && nowMs - settle.firstObservedAtMs < MAX_WRITE_BACK_MS) settle.untilMs = Math.max(settle.untilMs, nowMs + WRITE_BACK_LOOK_MS);
  }

  function untilMs(): number {
    return Math.max(settle?.untilMs ?? 0, gather?.untilMs ?? 0);
  }

  return {
    require() {
      settle ??= { untilMs: 0, firstObservedAtMs: undefined };
    },
    gather(isNewConnection) {
      const nowMs = performance.now();
      gather = { untilMs: nowMs + (isNewConnection ? RECONNECTED_GATHER_MS : GATHER_MS), maxMs: nowMs + MAX_GATHER_SECONDS * 1000 };
    },
    observe(look) {
      if (settle) extendSettle(settle, look);
      if (gather && look.isRecentWrittenBack) gather.untilMs = Math.max(gather.untilMs, Math.min(performance.now() + GATHER_LOOK_MS, gather.maxMs));
    },
    get untilMs() {
      return untilMs();
    },
    get remainingMs() {
      return Math.max(0, untilMs() - performance.now());
    },
    end() {
      settle = gather = undefined;
    },
  };
}
