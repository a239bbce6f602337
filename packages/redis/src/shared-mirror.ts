import type { RevocationMirror, RevocationRecord } from '@tokenward/core/store';
import { isEpoch } from './data-set.js';
import type { Pair } from './replies.js';
import { cutoffOf, isCutoff, recordOf, textOf } from './record-text.js';

/** A mirror of the revocations in Redis, which reads and writes them as texts. */
export interface SharedMirror {
  /** Adds a record of this process. Returns what is kept now, or undefined if the record says nothing new. */
  add(record: RevocationRecord): RevocationRecord | undefined;
  /** Adds records from Redis and calls listeners once. `isNew`: other processes have just added them. */
  addTexts(texts: readonly string[], isNew: boolean): void;
  /** Whether the record in a text is kept as it is: it was neither merged with another one nor removed. */
  keeps(text: string): boolean;
  readonly size: number;
  /** Adds the cut-offs of issuers. */
  addCutoffs(cutoffs: Iterable<Pair>): void;
  /**
   * Returns, in portions, the records that this process has and Redis lacks, cut-offs first. `present` may grow meanwhile.
   *
   * @param isLoss Redis has lost its data
   */
  missing(present: ReadonlySet<string>, cutoffs: ReadonlyMap<string, string>, isLoss: boolean): AsyncIterable<ReadonlyMap<string, RevocationRecord>>;
  /** Returns the records of the last seconds. After a loss, no other process may have them. undefined if there were too many to track. */
  recent(): ReadonlyMap<string, RevocationRecord> | undefined;
  /** How many texts from Redis were not revocations. */
  readonly invalidTexts: number;
}

const MAX_ISSUERS = 10_000;
/** How many records are compared before other work may run. */
const PORTION = 1000;
/** `recent` covers the last one or two of these periods. Every process that follows the stream has all older records. */
const RECENT_MS = 5000;
const MAX_RECENT = 20_000;

interface RecentRecords {
  readonly records: Map<string, RevocationRecord>;
  /** Whether there were more records than the limit. */
  isCut: boolean;
}

/** @param added called when something new was added */
export function createSharedMirror(mirror: RevocationMirror, nowSeconds: () => number, added: () => void, invalidFound: () => void): SharedMirror {
  /** One copy of each issuer's name, since every text brings its own. The mirror may have removed some, and kept one cut-off for all of them. */
  const issuers = new Map<string, string>();
  let invalidTexts = 0;
  let current: RecentRecords = { records: new Map(), isCut: false };
  let previous = current;
  let rotatesAtMs = 0;

  function addAll(records: readonly RevocationRecord[], isNew: boolean): void {
    let hasAdded = false;
    for (const record of records) {
      const kept = addOne(record);
      if (kept && isNew) remember(kept);
      if (kept) hasAdded = true;
    }
    if (hasAdded) added();
  }

  function addOne(record: RevocationRecord): RevocationRecord | undefined {
    const issuer = issuers.get(record.issuer) ?? record.issuer;
    if (issuers.size < MAX_ISSUERS) issuers.set(issuer, issuer);
    // with the time, since a process that checks no requests does not sweep, and Redis has records for an hour after their end
    return mirror.apply({ ...record, issuer }, nowSeconds());
  }

  function remember(record: RevocationRecord): void {
    rotate();
    if (current.records.size < MAX_RECENT) current.records.set(textOf(record), record);
    else current.isCut = true;
  }

  function rotate(): void {
    const now = performance.now();
    if (now < rotatesAtMs) return;
    previous = now < rotatesAtMs + RECENT_MS ? current : { records: new Map(), isCut: false };
    current = { records: new Map(), isCut: false };
    rotatesAtMs = now + RECENT_MS;
  }

  /** Returns the cut-off that all removed issuers share: the mirror no longer has their own. */
  function sharedCutoff(): number | undefined {
    // no issuer has this name
    return mirror.find({ issuer: '', tokenId: undefined, sessionId: undefined, subject: undefined, clientId: undefined, issuedAt: 0 }, nowSeconds())
      ?.issuedUntil;
  }

  return {
    add(record) {
      const kept = addOne(record);
      if (!kept) return undefined;
      remember(kept);
      added();
      return kept;
    },
    addTexts(texts, isNew) {
      const records = texts.flatMap((text) => recordOf(text) ?? []);
      const invalid = texts.filter((text) => !isEpoch(text)).length - records.length;
      invalidTexts += invalid;
      addAll(records, isNew);
      if (invalid > 0) invalidFound();
    },
    keeps(text) {
      const record = recordOf(text);
      return record !== undefined && mirror.has(record);
    },
    get size() {
      return mirror.size;
    },
    addCutoffs(cutoffs) {
      const ofIssuers = [...cutoffs].filter(([issuer]) => !isEpoch(issuer));
      addAll(
        ofIssuers.flatMap(([issuer, moment]) => recordOf(textOf(cutoffOf(issuer, Number(moment)))) ?? []),
        false,
      );
    },
    async *missing(present, cutoffs, isLoss) {
      // a process that checks no requests would otherwise never sweep, and would write back ended records
      while (!mirror.sweep(nowSeconds())) await otherWork();
      // an issuer in the mirror gets only its own cut-off: the shared one rises often, and would refuse tokens of all issuers in the whole fleet.
      // But an issuer that was removed and came back has lost its own, so after a loss only the shared one can replace it
      const moments = new Map(mirror.issuers());
      const shared = sharedCutoff();
      if (shared !== undefined && isLoss) for (const [issuer, own = shared] of moments) moments.set(issuer, Math.max(own, shared));
      for (const issuer of issuers.keys()) if (!moments.has(issuer)) moments.set(issuer, shared);
      // a snapshot: records that are added meanwhile are sent by the process that adds them
      const records: RevocationRecord[] = [];
      const ofIssuers: RevocationRecord[] = [];
      // a cut-off from Redis is a record until the next sweep
      for (const record of mirror.records()) (isCutoff(record) ? ofIssuers : records).push(record);
      for (const [issuer, moment] of moments) if (moment !== undefined) ofIssuers.push(cutoffOf(issuer, moment));
      const isPresent = (record: RevocationRecord, text: string): boolean =>
        isCutoff(record) ? Number(cutoffs.get(record.issuer)) >= record.issuedUntil : present.has(text);
      // cut-offs first: each covers more tokens than a record
      yield* portionsOf(ofIssuers, isPresent);
      yield* portionsOf(records, isPresent);
    },
    recent() {
      rotate();
      return previous.isCut || current.isCut ? undefined : new Map([...previous.records, ...current.records]);
    },
    get invalidTexts() {
      return invalidTexts;
    },
  };
}

/** Returns, in portions, the records that are not present. Each process uses an order of its own, so that they share the work. */
async function* portionsOf(
  records: readonly RevocationRecord[],
  isPresent: (record: RevocationRecord, text: string) => boolean,
): AsyncGenerator<Map<string, RevocationRecord>, void> {
  for (const from of shuffledSteps(records.length, PORTION)) {
    const portion = new Map<string, RevocationRecord>();
    for (const record of records.slice(from, from + PORTION)) {
      const text = textOf(record);
      if (!isPresent(record, text)) portion.set(text, record);
    }
    yield portion;
    await otherWork();
  }
}

export function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Returns 0, step, 2 * step and so on, below an end, in random order. */
function shuffledSteps(end: number, step: number): readonly number[] {
  const steps = Array.from({ length: Math.ceil(end / step) }, (_value, index) => index * step);
  for (let last = steps.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [steps[last], steps[other]] = [steps[other]!, steps[last]!];
  }
  return steps;
}
