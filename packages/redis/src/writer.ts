import { randomUUID } from 'node:crypto';
import type { RevocationRecord } from '@tokenward/core/store';
import { createAcknowledged } from './acknowledged.js';
import { createBackoff } from './backoff.js';
import type { Connect, Connection } from './connection.js';
import { ADD, STREAM_LENGTH, script, type Keys } from './data-set.js';
import type { Outage } from './outages.js';
import { isCutoff } from './record-text.js';
import { createSendQueue, neverSent } from './send-queue.js';
import { StoreFailure } from './store-failure.js';
import { createWriteBack, type MissingRecords } from './write-back.js';

/** Sends the records of this process until Redis has them. */
export interface Writer {
  /** The name under which others wait for this process. */
  readonly id: string;
  /** The promise rejects with a RevocationStoreError if the record is not sent in time. It is sent later. */
  send(record: RevocationRecord): Promise<void>;
  /** Writes records that Redis lost. `isAwaited`: others wait for them. */
  writeBack(missing: MissingRecords, isAwaited: boolean): void;
  /** Notes that Redis has these texts, so that they are not sent. Returns those that this process was not going to send. */
  seen(texts: readonly string[]): readonly string[];
  /** Counts the answers of Redis that acknowledged records. */
  readonly acknowledged: number;
  /** Notes that a server still has what it acknowledged up to that count. */
  confirm(acknowledged: number): void;
  /** Sends what was acknowledged and not confirmed: a server that took over may lack it. */
  sendUnconfirmed(): void;
  /** Sends over a new connection from now on, because the reader has a new one: another server may have taken over, and both must use the same one. */
  reconnect(): void;
  /** Whether nothing waits to be sent. */
  readonly isIdle: boolean;
  /** Tries once more to send the remaining records, and stops. */
  close(): Promise<void>;
}

export interface WriterParts {
  readonly connect: Connect;
  readonly keys: Keys;
  readonly outage: Outage;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called when records were dropped unsent. The next full read finds them missing in Redis. */
  readonly onOverflow: () => void;
}

const PORTION = 500;
const PORTION_CHARACTERS = 262_144;
/** This many records share one entry of the stream, so that a page of entries can be read in time. */
const WRITE_BACK_PORTION = 250;
const WRITE_BACK_CHARACTERS = 49_152;
/** A smaller portion is probably not the result of a loss, so each record gets an entry of its own. */
const MIN_SHARED = 50;
/** Closes an unused connection, before a network drops it silently. */
const IDLE_MS = 30_000;

export function createWriter({ connect, keys, outage, timeoutMs, signal, onOverflow }: WriterParts): Writer {
  const id = randomUUID();
  const queue = createSendQueue(timeoutMs, onOverflow);
  const writeBack = createWriteBack(wake);
  const acknowledged = createAcknowledged(onOverflow);
  const closing = new AbortController();
  const backoff = createBackoff(closing.signal);
  let connection: Connection | undefined;
  let working: Promise<void> | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let isWriteBackNext = false;
  /** Whether the reader has connected since this connection was made. */
  let isOutdated = false;

  function wake(): void {
    if (!signal.aborted && hasWork()) working ??= work();
  }

  function hasWork(): boolean {
    return queue.size > 0 || writeBack.hasWork;
  }

  async function work(): Promise<void> {
    clearTimeout(idleTimer);
    while (hasWork() && !signal.aborted) {
      if (isOutdated) drop();
      const isReused = connection !== undefined;
      try {
        connection ??= await connect();
        await sendPortion(connection);
        backoff.reset();
        outage.end();
      } catch (error) {
        // it would be the same over a new connection
        const isRefusal = error instanceof StoreFailure && !error.isOfWrongServer;
        // a network may have cut the idle connection: that says nothing about the server
        const saysNothing = (isReused && !isRefusal) || isOutdated || signal.aborted;
        if (!isRefusal) drop();
        if (saysNothing) continue;
        outage.begin(error);
        queue.failAll();
        if (closing.signal.aborted) break;
        await backoff.pause();
      }
    }
    // set at once, so that the next record starts the work again
    working = undefined;
    if (signal.aborted) return drop();
    idleTimer = setTimeout(drop, IDLE_MS);
    idleTimer.unref();
  }

  /** Takes turns between new and lost records, so that neither waits for all of the other. */
  async function sendPortion(connection: Connection): Promise<void> {
    const isWriteBack = queue.size === 0 || (isWriteBackNext && writeBack.hasWork);
    isWriteBackNext = !isWriteBack;
    await (isWriteBack ? sendLost(connection) : sendNew(connection));
  }

  async function sendNew(connection: Connection): Promise<void> {
    await add(connection, queue.oldest(PORTION, PORTION_CHARACTERS), [0, 0, 0]);
  }

  async function sendLost(connection: Connection): Promise<void> {
    const portion = writeBack.next(WRITE_BACK_PORTION, WRITE_BACK_CHARACTERS);
    const shared = portion.records.size >= MIN_SHARED ? 1 : 0;
    await add(connection, portion.records, [portion.awaitSeconds, portion.awaitRecent, shared]);
    writeBack.sent(portion);
  }

  async function add(connection: Connection, records: ReadonlyMap<string, RevocationRecord>, how: readonly number[]): Promise<void> {
    const { round } = writeBack;
    await connection.send(script(ADD, keys, randomUUID(), STREAM_LENGTH, id, ...how, ...argumentsOf(records)));
    // the reader asks whether the server still has the records, and may ask another server than the one that acknowledged them
    if (isOutdated) throw new StoreFailure('another server may have taken over');
    acknowledged.add(records);
    for (const text of records.keys()) {
      queue.done(text);
      // the records may have been lost before this answer came, and may have been found missing meanwhile
      if (writeBack.round === round) writeBack.done(text);
    }
  }

  function done(text: string): boolean {
    const wasQueued = queue.done(text);
    return writeBack.done(text) || wasQueued;
  }

  function drop(): void {
    connection?.close();
    connection = undefined;
    isOutdated = false;
  }

  function stop(): void {
    closing.abort();
    writeBack.end();
    clearTimeout(idleTimer);
    drop();
    queue.stop();
  }

  signal.addEventListener('abort', stop);
  return {
    id,
    send(record) {
      if (closing.signal.aborted) return Promise.reject(neverSent());
      const sent = queue.add(record);
      wake();
      return sent;
    },
    writeBack(missing, isAwaited) {
      if (!signal.aborted) void writeBack.begin(missing, isAwaited);
    },
    seen(texts) {
      if (queue.size === 0 && writeBack.isDone) return texts;
      const others = texts.filter((text) => !done(text));
      // if others wrote the last missing records, those who wait for this process must hear of it
      wake();
      return others;
    },
    get acknowledged() {
      return acknowledged.count;
    },
    confirm: acknowledged.confirm,
    sendUnconfirmed() {
      for (const record of acknowledged.take()) queue.addAgain(record);
      wake();
    },
    reconnect() {
      drop();
      isOutdated = working !== undefined;
    },
    get isIdle() {
      return queue.size === 0 && writeBack.isDone;
    },
    async close() {
      // this also ends the pause before the next attempt, which is the last one
      closing.abort();
      if (!working) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([working, new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)))]);
      clearTimeout(timer);
    },
  };
}

/** Returns the arguments of the script `ADD`, four for each record. */
function argumentsOf(records: ReadonlyMap<string, RevocationRecord>): readonly (string | number)[] {
  return [...records].flatMap(([text, record]) => [text, record.until, isCutoff(record) ? record.issuer : '', record.issuedUntil]);
}
