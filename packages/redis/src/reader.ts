import type { Clock } from '@tokenward/core';
import { createBackoff } from './backoff.js';
import type { Connect, Connection } from './connection.js';
import { AWAIT_SECONDS, type Keys } from './data-set.js';
import { readEverything } from './full-read.js';
import type { Outage } from './outages.js';
import { createPruning } from './pruning.js';
import { createSettling, MAX_GATHER_SECONDS, SETTLE_SECONDS } from './settling.js';
import type { SharedMirror } from './shared-mirror.js';
import { StoreFailure } from './store-failure.js';
import { createStream, type Continuity } from './stream.js';
import type { Writer } from './writer.js';

/** Keeps a mirror equal to the data in Redis, until its signal aborts. */
export interface Reader {
  /** Whether the mirror was complete when the server was last asked. */
  readonly isComplete: boolean;
  /** When the mirror was last known to be complete, by the monotonic clock. */
  readonly completeAtMs: number | undefined;
  /** Until when this process waits for what others write back, by `performance.now()`. Each answer may extend this. 0: it does not wait. */
  readonly settlesUntilMs: number;
  /** Reads everything again in the next turn, and writes back what Redis is missing. */
  readAgain(): void;
}

export interface ReaderParts {
  readonly connect: Connect;
  readonly keys: Keys;
  readonly mirror: SharedMirror;
  readonly outage: Outage;
  readonly pruningOutage: Outage;
  readonly timeoutMs: number;
  /** How long a turn waits for new entries. The mirror's age grows meanwhile, although it misses nothing. */
  readonly blockMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly writer: Omit<Writer, 'send' | 'close'>;
  /** Called in each turn in which the mirror is complete. `synced`: it was not complete before. */
  readonly completed: (synced: boolean) => void;
}

/** A process that follows the stream is behind for at most this long. */
const MAX_BEHIND_MS = 2500;
/** If somebody deletes a single record, the stream does not show it. So everything is compared from time to time. */
const COMPARE_EVERY_MS = 600_000;

const REASONS: Readonly<Record<Exclude<Continuity, 'complete'>, string>> = {
  unread: 'entries were missed: everything is read again',
  gap: 'entries were missed: everything is read again',
  lost: 'the data in Redis was lost or replaced: everything is read, and lost records are written back',
};

export function startReader(parts: ReaderParts): Reader {
  const { connect, keys, mirror, outage, pruningOutage, timeoutMs, blockMs, clock, signal, writer, completed } = parts;
  const connectBackoff = createBackoff(signal);
  const rereadBackoff = createBackoff(signal);
  const stream = createStream(keys, clock, timeoutMs, (texts) => mirror.addTexts(writer.seen(texts), true));
  const settling = createSettling();
  const pruning = createPruning(keys, clock, pruningOutage);
  let isComplete = false;
  let completeAtMs: number | undefined;
  /** When this process last knew everything that the server knew. */
  let caughtUpAtMs = -Infinity;
  /** Full reads since then. */
  let fullReads = 0;
  let isRereadWanted = false;
  let comparesAtMs = Infinity;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow(await connect());
      } catch (error) {
        if (!signal.aborted) outage.begin(error);
        stream.halvePage();
      }
      await connectBackoff.pause();
    }
  }

  async function follow(connection: Connection): Promise<void> {
    const close = (): void => connection.close();
    signal.addEventListener('abort', close);
    writer.reconnect();
    try {
      let isNew = true;
      while (!signal.aborted) {
        if (!(await turn(connection, isNew)) || !isNew) continue;
        // only after a turn has succeeded: a server that always fails in the first turn is one outage, and is retried less and less often
        isNew = false;
        connectBackoff.reset();
        outage.end();
      }
    } finally {
      signal.removeEventListener('abort', close);
      connection.close();
    }
  }

  /** Catches up and waits for new entries, or reads everything. Returns true only if it waited with a complete mirror. */
  async function turn(connection: Connection, isNew: boolean): Promise<boolean> {
    const { acknowledged } = writer;
    const { continuity, look, askedAtMs } = await stream.catchUp(connection);
    if (continuity === 'unread' || continuity === 'lost') mirror.addTexts(look.entries.texts, true);
    // records that others added meanwhile may have been lost before this process read them
    const isBehind = clock.monotonic() - caughtUpAtMs > MAX_BEHIND_MS;
    if (isBehind && (isNew || continuity !== 'complete' || look.uptimeSeconds < SETTLE_SECONDS)) settling.require();
    if (continuity !== 'complete') {
      await recover(connection, continuity, isNew);
      return false;
    }
    if (isNew) writer.sendUnconfirmed();
    else writer.confirm(acknowledged);
    caughtUpAtMs = askedAtMs;
    fullReads = 0;
    rereadBackoff.reset();
    settling.observe(look);
    const waitMs = settling.remainingMs;
    if (waitMs === 0) becomeComplete(askedAtMs, isNew);
    await pruning.prune(connection);
    if ((isRereadWanted || clock.monotonic() >= comparesAtMs) && writer.isIdle) {
      isRereadWanted = false;
      await readAll(connection, false);
      return false;
    }
    await stream.waitForEntries(connection, waitMs > 0 ? Math.min(blockMs, waitMs) : isNew ? 1 : blockMs);
    return waitMs === 0;
  }

  async function recover(connection: Connection, continuity: Exclude<Continuity, 'complete'>, isNew: boolean): Promise<void> {
    // records that were read before still apply, but later entries are unknown
    const wasComplete = isComplete;
    isComplete = false;
    if (wasComplete) outage.begin(new StoreFailure(REASONS[continuity]));
    // without a pause, this would loop while entries are lost faster than they are read
    if (fullReads++ > 0) await rereadBackoff.pause();
    await readAll(connection, continuity === 'lost');
    if (continuity === 'lost') settling.gather(isNew);
  }

  /** @param isLoss other processes wait for what this one writes back */
  async function readAll(connection: Connection, isLoss: boolean): Promise<void> {
    comparesAtMs = clock.monotonic() + COMPARE_EVERY_MS * (0.5 + Math.random());
    const awaitTimes = { allSeconds: isLoss ? AWAIT_SECONDS : 0, recentSeconds: MAX_GATHER_SECONDS };
    const found = await readEverything(connection, keys, mirror, writer.id, awaitTimes);
    if (!found) return;
    const { position, present, cutoffs } = found;
    stream.continueFrom(position);
    const others = mirror.missing(present, cutoffs, isLoss);
    writer.writeBack({ recent: isLoss ? mirror.recent() : new Map(), others, present }, isLoss);
  }

  function becomeComplete(askedAtMs: number, isNew: boolean): void {
    const synced = !isComplete;
    isComplete = true;
    settling.end();
    // the time of the request, because the answer may have taken long
    completeAtMs = askedAtMs;
    if (!isNew) outage.end();
    completed(synced);
  }

  void run();
  return {
    get isComplete() {
      return isComplete;
    },
    get completeAtMs() {
      return completeAtMs;
    },
    get settlesUntilMs() {
      return settling.untilMs;
    },
    readAgain() {
      isRereadWanted = true;
    },
  };
}
