import { RevocationStoreError } from '@tokenward/core';
import type { RevocationRecord } from '@tokenward/core/store';
import { textOf } from './record-text.js';

/** The records that are not sent yet, oldest first, and the callers who wait for them. */
export interface SendQueue {
  readonly size: number;
  /** Adds a record. The promise rejects with a RevocationStoreError if the record is not sent in time; it stays in the queue. */
  add(record: RevocationRecord): Promise<void>;
  /** Adds a record for which nobody waits. */
  addAgain(record: RevocationRecord): void;
  /** Returns the oldest records by their texts. They stay in the queue. */
  oldest(maxRecords: number, maxCharacters: number): ReadonlyMap<string, RevocationRecord>;
  /** Notes that Redis has a record. Returns whether it was in the queue. */
  done(text: string): boolean;
  /** Rejects the promise of every caller who waits. The records stay in the queue. */
  failAll(): void;
  /** Fails all callers and stops the timer. */
  stop(): void;
}

interface Queued {
  readonly text: string;
  readonly record: RevocationRecord;
  /** undefined if nobody waits. */
  caller?: Caller | undefined;
}

interface Caller {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: RevocationStoreError) => void;
  readonly deadlineMs: number;
}

const MAX_RECORDS = 100_000;
const MAX_CHARACTERS = 33_554_432;
/** How often deadlines are looked at within one timeout: the last of many callers hears of a failure this much late. */
const DEADLINE_LOOKS = 20;

/** @param onOverflow called when the queue was full and its oldest records were dropped */
export function createSendQueue(timeoutMs: number, onOverflow: () => void): SendQueue {
  const queued = new Map<string, Queued>();
  let characters = 0;
  let timer: NodeJS.Timeout | undefined;

  /**
   * Drops the oldest tenth. These revocations stay in effect here, and the next full read finds them missing in Redis. Dropping them one at a time
   * would be slow: to find its first entry, a Map skips deleted entries one by one.
   */
  function dropOldest(): void {
    let left = Math.ceil(queued.size / 10);
    for (const [text, { caller }] of queued) {
      if (left-- === 0) break;
      caller?.reject(notSent());
      remove(text);
    }
    onOverflow();
  }

  function enqueue(record: RevocationRecord): Queued {
    const text = textOf(record);
    const known = queued.get(text);
    if (known) return known;
    if (queued.size >= MAX_RECORDS || characters >= MAX_CHARACTERS) dropOldest();
    const one: Queued = { text, record };
    queued.set(text, one);
    characters += text.length;
    return one;
  }

  function remove(text: string): boolean {
    if (!queued.delete(text)) return false;
    characters -= text.length;
    if (queued.size === 0) stopTimer();
    return true;
  }

  function failAll(deadlineMs = Infinity, failure = notSent): void {
    for (const one of queued.values()) {
      if (!one.caller || one.caller.deadlineMs > deadlineMs) continue;
      one.caller.reject(failure());
      one.caller = undefined;
    }
  }

  /** Starts one timer for all callers. It keeps the process alive until they are answered. */
  function watchDeadlines(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      failAll(performance.now());
      for (const { caller } of queued.values()) if (caller) return watchDeadlines();
    }, timeoutMs / DEADLINE_LOOKS);
  }

  function stopTimer(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  return {
    get size() {
      return queued.size;
    },
    add(record) {
      const one = enqueue(record);
      if (!one.caller) {
        // `Promise.withResolvers` is missing in Node 20, on which the examples run
        let settle: Pick<Caller, 'resolve' | 'reject'>;
        const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
        one.caller = { promise, ...settle!, deadlineMs: performance.now() + timeoutMs };
        watchDeadlines();
      }
      return one.caller.promise;
    },
    addAgain(record) {
      enqueue(record);
    },
    oldest(maxRecords, maxCharacters) {
      const records = new Map<string, RevocationRecord>();
      let length = 0;
      for (const { text, record } of queued.values()) {
        if (records.size === maxRecords || length > maxCharacters) break;
        records.set(text, record);
        length += text.length;
      }
      return records;
    },
    done(text) {
      queued.get(text)?.caller?.resolve();
      return remove(text);
    },
    failAll: () => failAll(),
    stop() {
      stopTimer();
      failAll(Infinity, neverSent);
    },
  };
}

function notSent(): RevocationStoreError {
  return new RevocationStoreError('the revocation is in effect in this process only. The other processes receive it when the store is reachable again');
}

export function neverSent(): RevocationStoreError {
  return new RevocationStoreError('the revocation is in effect in this process only, because the store was closed');
}
