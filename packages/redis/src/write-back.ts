import type { RevocationRecord } from '@tokenward/core/store';
import { AWAIT_SECONDS } from './data-set.js';

/**
 * Writes records that this process has and Redis lost. All processes do so at the same time, and each leaves out what another has written. Other
 * processes may wait until this one has written all its records, or its recent ones.
 */
export interface WriteBack {
  /** Starts again, with the records that are missing now. `isAwaited`: other processes wait for this one. */
  begin(missing: MissingRecords, isAwaited: boolean): Promise<void>;
  /** Whether there are records to write, or others wait to hear that there are no more. */
  readonly hasWork: boolean;
  /** Whether nothing is left to write, and no more missing records will be found. */
  readonly isDone: boolean;
  /** Returns the next records to write. It may hold none while they are still being found. */
  next(maxRecords: number, maxCharacters: number): Portion;
  /** Call it when Redis has the portion, which also tells others whether to wait. */
  sent(portion: Portion): void;
  /** Counts the starts. An answer to a message that was sent before the last start says nothing about the records that are missing now. */
  readonly round: number;
  /** Notes that Redis has a record. Returns whether it was still to be written. */
  done(text: string): boolean;
  end(): void;
}

export interface MissingRecords {
  /** Written first, because other processes may not have them. undefined: there were too many to track, so all records count as recent. */
  readonly recent: ReadonlyMap<string, RevocationRecord> | undefined;
  readonly others: AsyncIterable<ReadonlyMap<string, RevocationRecord>>;
  /** The texts that are in Redis. The set grows while `others` are being found. */
  readonly present: Set<string>;
}

export interface Portion {
  readonly records: ReadonlyMap<string, RevocationRecord>;
  /** For how many seconds others wait for more; -1: no longer. */
  readonly awaitSeconds: number;
  /** -1: others no longer wait for the recent records. 0: unchanged. */
  readonly awaitRecent: -1 | 0;
  readonly round: number;
}

/** @param wake called when there is something to write, or when everything is written */
export function createWriteBack(wake: () => void): WriteBack {
  let recent = new Map<string, RevocationRecord>();
  let pending = new Map<string, RevocationRecord>();
  let cursor = pending.entries();
  /** Set while missing records are being found. */
  let present: Set<string> | undefined;
  let isAllRecent = false;
  /** What other processes wait for. */
  let isAwaited = false;
  let isRecentAwaited = false;
  let round = 0;

  /** Continues where it stopped and then starts from the front. Always starting there would be slow: a Map skips deleted entries one by one. */
  function* rest(): IterableIterator<[string, RevocationRecord]> {
    for (let pass = 0; pass < 2; pass++) {
      for (let next = cursor.next(); !next.done; next = cursor.next()) yield next.value;
      cursor = pending.entries();
    }
  }

  function isDone(): boolean {
    return recent.size === 0 && pending.size === 0 && present === undefined;
  }

  function isRecentDone(): boolean {
    return isAllRecent ? isDone() : recent.size === 0;
  }

  return {
    async begin(missing, awaited) {
      round++;
      if (awaited) isAwaited = isRecentAwaited = true;
      isAllRecent = missing.recent === undefined;
      recent = new Map([...(missing.recent ?? [])].filter(([text]) => !missing.present.has(text)));
      const ofThisRound = (pending = new Map());
      cursor = pending.entries();
      present = missing.present;
      wake();
      for await (const portion of missing.others) {
        // started again after another loss
        if (pending !== ofThisRound) return;
        for (const [text, record] of portion) if (!recent.has(text)) pending.set(text, record);
        wake();
      }
      if (pending !== ofThisRound) return;
      present = undefined;
      wake();
    },
    get hasWork() {
      return recent.size > 0 || pending.size > 0 || (isAwaited && isDone()) || (isRecentAwaited && isRecentDone());
    },
    get isDone() {
      return isDone();
    },
    get round() {
      return round;
    },
    next(maxRecords, maxCharacters) {
      const isRecent = recent.size > 0;
      const records = new Map<string, RevocationRecord>();
      let characters = 0;
      for (const [text, record] of isRecent ? recent.entries() : rest()) {
        records.set(text, record);
        characters += text.length;
        if (records.size === maxRecords || characters > maxCharacters) break;
      }
      const isLast = recent.size + pending.size === records.size && present === undefined;
      const isLastRecent = isAllRecent ? isLast : !isRecent || records.size === recent.size;
      return { records, awaitSeconds: isLast ? -1 : AWAIT_SECONDS, awaitRecent: isLastRecent ? -1 : 0, round };
    },
    sent(portion) {
      // started again meanwhile: others wait for the new round
      if (portion.round !== round) return;
      isAwaited = portion.awaitSeconds > 0;
      if (portion.awaitRecent < 0) isRecentAwaited = false;
    },
    done(text) {
      present?.add(text);
      return recent.delete(text) || pending.delete(text);
    },
    end() {
      recent = new Map();
      pending = new Map();
      cursor = pending.entries();
      present = undefined;
    },
  };
}
