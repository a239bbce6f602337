import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RevocationStoreError, type RevocationRecord } from '@tokenward/core';
import { createBackoff } from './backoff.js';
import type { Connect, Connection } from './connection.js';
import { ADD, STREAM_LENGTH, script, type Keys } from './data-set.js';
import { isRemainder, textOf } from './record-text.js';
import type { Outage } from './trouble.js';

/** Sends what this process knows, until it is sent. */
export interface Writer {
  /** @throws RevocationStoreError by the promise where it is not sent in time; it will be */
  send(record: RevocationRecord): Promise<void>;
  /** Resolves when they wait to be sent, and there is room for more. */
  sendLater(records: AsyncIterable<RevocationRecord>): Promise<void>;
  /** Of these nothing needs to be sent: somebody else has. */
  seen(texts: readonly string[]): void;
  readonly unsent: number;
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
  /** It was known before, and is missing there. */
  isRestored: boolean;
}

const PORTION = 500;
const PORTION_CHARACTERS = 262_144;
const MOST_UNSENT = 100_000;
/** So long others wait for the next portion of what was lost, or for the word that it was the last. */
const RESTORING_SECONDS = 30;
/** One that is not used is closed, before a network forgets it unseen. */
const IDLE_MS = 30_000;

export function createWriter({ connect, keys, outage, timeoutMs, signal, tooMany }: WriterParts): Writer {
  const unsent = new Map<string, Unsent>();
  const backoff = createBackoff(signal);
  let connection: Connection | undefined;
  let working: Promise<void> | undefined;
  let idle: NodeJS.Timeout | undefined;
  let late: NodeJS.Timeout | undefined;
  const writerId = randomUUID();
  /** More of what was lost is to come, and others wait for it. */
  let isRestoring = false;
  let isAwaited = false;
  let failing = false;
  let closing = false;

  function queue(record: RevocationRecord, isRestored: boolean): Unsent {
    const text = textOf(record);
    let one = unsent.get(text);
    if (!one) {
      if (unsent.size >= MOST_UNSENT) giveUpOldest();
      unsent.set(text, (one = { text, record, isRestored }));
    }
    working ??= work();
    return one;
  }

  /** They hold here, and are found missing in Redis when all is read. Many at once, since to find the first of a Map whose first are gone takes long. */
  function giveUpOldest(): void {
    let left = MOST_UNSENT / 10;
    for (const [text, { waiting }] of unsent) {
      if (left-- === 0) break;
      waiting?.failed(notSent());
      unsent.delete(text);
    }
    tooMany();
  }

  async function work(): Promise<void> {
    clearTimeout(idle);
    while ((unsent.size > 0 || owesEnd()) && !signal.aborted) {
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

  async function sendPortion(connection: Connection): Promise<void> {
    const portion: Unsent[] = [];
    let characters = 0;
    for (const one of unsent.values()) {
      if (portion.length === PORTION || characters > PORTION_CHARACTERS) break;
      portion.push(one);
      characters += one.text.length;
    }
    const args = portion.flatMap(({ text, record }) => [text, record.until, isRemainder(record) ? record.issuer : '', record.issuedUntil]);
    const sent = new Set(portion.map(({ text }) => text));
    const isLast = !isRestoring && ![...unsent.values()].some(({ text, isRestored }) => isRestored && !sent.has(text));
    const restores = portion.some(({ isRestored }) => isRestored);
    const restoring = restores && !isLast ? RESTORING_SECONDS : isLast && isAwaited ? -1 : 0;
    await connection.send(script(ADD, keys, randomUUID(), STREAM_LENGTH, restoring, writerId, ...args));
    if (restoring !== 0) isAwaited = restoring > 0;
    for (const { text } of portion) done(text);
  }

  /** Others wait for more, and there is none. */
  function owesEnd(): boolean {
    return isAwaited && !isRestoring && unsent.size === 0;
  }

  function done(text: string): void {
    unsent.get(text)?.waiting?.sent();
    unsent.delete(text);
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
    clearTimeout(idle);
    clearLate();
    drop();
    failAll();
  }

  signal.addEventListener('abort', stop);
  return {
    send(record) {
      if (closing) return Promise.reject(notSent());
      const one = queue(record, false);
      one.sent ??= new Promise<void>((resolve, reject) => {
        one.waiting = { sent: resolve, failed: reject, untilMs: performance.now() + timeoutMs };
        watchTime();
      });
      return one.sent;
    },
    async sendLater(records) {
      const isFull = (): boolean => unsent.size >= MOST_UNSENT / 2;
      const isMoving = (): boolean => !failing && !closing;
      isRestoring = true;
      try {
        for await (const record of records) {
          if (closing) return;
          queue(record, true);
          while (isFull() && isMoving()) await sleep(5, undefined, { ref: false });
          if (isFull()) return tooMany();
        }
      } finally {
        isRestoring = false;
        if (owesEnd() && !closing) working ??= work();
      }
    },
    seen(texts) {
      if (unsent.size > 0) for (const text of texts) done(text);
    },
    get unsent() {
      return unsent.size;
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

function notSent(): RevocationStoreError {
  return new RevocationStoreError('the revocation holds in this process; the others learn of it when the store can be reached again');
}
