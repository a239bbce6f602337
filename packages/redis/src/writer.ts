import { randomUUID } from 'node:crypto';
import { RevocationStoreError } from '@tokenward/core';
import type { RevocationRecord } from '@tokenward/core/store';
import { createBackoff } from './backoff.js';
import type { Connect, Connection } from './connection.js';
import { ADD, STREAM_LENGTH, script, type Keys } from './data-set.js';
import { isRemainder, textOf } from './record-text.js';
import { createRestore, type Lost } from './restore.js';
import type { Outage } from './trouble.js';

/** Sends what this process knows, until it is sent. */
export interface Writer {
  /** Who writes, to those who wait for it. */
  readonly id: string;
  /** @throws RevocationStoreError by the promise where it is not sent in time; it will be */
  send(record: RevocationRecord): Promise<void>;
  /** Writes back what Redis does not know. `isAwaited`: others were told to wait for it. */
  restore(what: Lost, isAwaited: boolean): void;
  /** Of these nothing needs to be sent: somebody else has. @returns those that this process had no part in */
  seen(texts: readonly string[]): readonly string[];
  /** Nothing waits to be sent. */
  readonly isIdle: boolean;
  /** Sends what is left, if that goes at once, and ends. */
  close(): Promise<void>;
}

export interface WriterParts {
  readonly connect: Connect;
  readonly keys: Keys;
  readonly outage: Outage;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** There are more than can be kept here: all that is known has to be compared with what is there. */
  readonly tooMany: () => void;
}

interface Unsent {
  readonly text: string;
  readonly record: RevocationRecord;
  waiting?: { readonly sent: () => void; readonly failed: (error: RevocationStoreError) => void; readonly untilMs: number } | undefined;
  sent?: Promise<void>;
}

const PORTION = 500;
const PORTION_CHARACTERS = 262_144;
/** These share one entry of the stream, so that a page of entries is not too large to be read in time. */
const RESTORED_PORTION = 250;
const RESTORED_CHARACTERS = 49_152;
/** Fewer are no loss: each has an entry of its own. */
const LEAST_SHARED = 50;
const MOST_UNSENT = 100_000;
const MOST_UNSENT_CHARACTERS = 33_554_432;
/** So long others wait for the next portion of what was lost, or for the word that it was the last. */
export const RESTORING_SECONDS = 30;
/** One that is not used is closed, before a network forgets it unseen. */
const IDLE_MS = 30_000;

export function createWriter({ connect, keys, outage, timeoutMs, signal, tooMany }: WriterParts): Writer {
  const id = randomUUID();
  const unsent = new Map<string, Unsent>();
  const restore = createRestore(wake);
  const backoff = createBackoff(signal);
  let unsentCharacters = 0;
  let connection: Connection | undefined;
  let working: Promise<void> | undefined;
  let idle: NodeJS.Timeout | undefined;
  let late: NodeJS.Timeout | undefined;
  /** Others wait for more of what was lost, and for what this process had learned right before. */
  let isAwaited = false;
  let isLatelyAwaited = false;
  let restoresNext = false;
  let losses = 0;
  let failing = false;
  let closing = false;

  function queue(record: RevocationRecord): Unsent {
    const text = textOf(record);
    let one = unsent.get(text);
    if (!one) {
      if (unsent.size >= MOST_UNSENT || unsentCharacters >= MOST_UNSENT_CHARACTERS) giveUpOldest();
      unsent.set(text, (one = { text, record }));
      unsentCharacters += text.length;
    }
    wake();
    return one;
  }

  function wake(): void {
    if (!signal.aborted && hasWork()) working ??= work();
  }

  function hasWork(): boolean {
    return unsent.size > 0 || restore.hasNext || owesWord();
  }

  /** Others wait for more, and there is none. */
  function owesWord(): boolean {
    return (isAwaited && restore.isDone) || (isLatelyAwaited && restore.isLatelyDone);
  }

  /** They hold here, and are found missing in Redis when all is read. Many at once, since to find the first of a Map whose first are gone takes long. */
  function giveUpOldest(): void {
    let left = Math.ceil(unsent.size / 10);
    for (const [text, { waiting }] of unsent) {
      if (left-- === 0) break;
      waiting?.failed(notSent());
      remove(text);
    }
    tooMany();
  }

  async function work(): Promise<void> {
    clearTimeout(idle);
    while (hasWork() && !signal.aborted) {
      const isReused = connection !== undefined;
      try {
        connection ??= await connect();
        await sendPortion(connection);
        failing = false;
        backoff.reset();
        outage.ended();
      } catch (error) {
        drop();
        // one that was not used for a while may have been cut: that is no news of the server
        if (isReused || signal.aborted) continue;
        failing = true;
        outage.began(error);
        failAll();
        await backoff.pause();
      }
    }
    // at once: what is queued from now on begins anew
    working = undefined;
    if (unsent.size === 0) clearLate();
    if (signal.aborted) return drop();
    idle = setTimeout(drop, IDLE_MS);
    idle.unref();
  }

  /** A portion of what is new, or of what was lost: in turns, so that neither waits for all of the other. */
  async function sendPortion(connection: Connection): Promise<void> {
    const restores = unsent.size === 0 || (restoresNext && (restore.hasNext || owesWord()));
    restoresNext = !restores;
    await (restores ? sendRestored(connection) : sendUnsent(connection));
  }

  async function sendUnsent(connection: Connection): Promise<void> {
    const portion = new Map<string, RevocationRecord>();
    let characters = 0;
    for (const { text, record } of unsent.values()) {
      if (portion.size === PORTION || characters > PORTION_CHARACTERS) break;
      portion.set(text, record);
      characters += text.length;
    }
    await connection.send(script(ADD, keys, randomUUID(), STREAM_LENGTH, id, 0, 0, 0, ...argsOf(portion)));
    for (const text of portion.keys()) done(text);
  }

  async function sendRestored(connection: Connection): Promise<void> {
    const { records, isLatelyOver, isOver } = restore.next(RESTORED_PORTION, RESTORED_CHARACTERS);
    const ofLoss = losses;
    const shares = records.size >= LEAST_SHARED ? 1 : 0;
    const awaited = [isOver ? -1 : RESTORING_SECONDS, isLatelyOver ? -1 : 0];
    await connection.send(script(ADD, keys, randomUUID(), STREAM_LENGTH, id, ...awaited, shares, ...argsOf(records)));
    if (ofLoss === losses) {
      isAwaited = !isOver;
      isLatelyAwaited &&= !isLatelyOver;
    }
    for (const text of records.keys()) done(text);
  }

  function done(text: string): boolean {
    unsent.get(text)?.waiting?.sent();
    const wasUnsent = remove(text);
    return restore.done(text) || wasUnsent;
  }

  function remove(text: string): boolean {
    if (!unsent.delete(text)) return false;
    unsentCharacters -= text.length;
    return true;
  }

  function failAll(untilMs = Infinity): void {
    for (const one of unsent.values()) {
      if (!one.waiting || one.waiting.untilMs > untilMs) continue;
      one.waiting.failed(notSent());
      one.waiting = undefined;
      delete one.sent;
    }
  }

  /** One timer for all who wait, which keeps the process alive until they are answered. */
  function watchTime(): void {
    late ??= setTimeout(() => {
      late = undefined;
      failAll(performance.now());
      for (const { waiting } of unsent.values()) if (waiting) return watchTime();
    }, timeoutMs / 4);
  }

  function clearLate(): void {
    clearTimeout(late);
    late = undefined;
  }

  function drop(): void {
    connection?.close();
    connection = undefined;
  }

  function stop(): void {
    closing = true;
    restore.end();
    clearTimeout(idle);
    clearLate();
    drop();
    failAll();
  }

  signal.addEventListener('abort', stop);
  return {
    id,
    send(record) {
      if (closing) return Promise.reject(notSent());
      const one = queue(record);
      one.sent ??= new Promise<void>((resolve, reject) => {
        one.waiting = { sent: resolve, failed: reject, untilMs: performance.now() + timeoutMs };
        watchTime();
      });
      return one.sent;
    },
    restore(what, awaited) {
      if (signal.aborted) return;
      losses++;
      if (awaited) isAwaited = isLatelyAwaited = true;
      void restore.begin(what);
    },
    seen(texts) {
      if (unsent.size === 0 && restore.isDone) return texts;
      const others = texts.filter((text) => !done(text));
      // what was left may have been written by others: those who wait are to be told
      wake();
      return others;
    },
    get isIdle() {
      return unsent.size === 0 && restore.isDone;
    },
    async close() {
      closing = true;
      if (!working || failing) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([working, new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)))]);
      clearTimeout(timer);
    },
  };
}

/** A script's arguments: text, end, and of a remainder its issuer and moment. */
function argsOf(portion: ReadonlyMap<string, RevocationRecord>): readonly (string | number)[] {
  return [...portion].flatMap(([text, record]) => [text, record.until, isRemainder(record) ? record.issuer : '', record.issuedUntil]);
}

function notSent(): RevocationStoreError {
  return new RevocationStoreError('the revocation holds in this process; the others learn of it when the store can be reached again');
}
