import type { RevocationMirror, RevocationRecord } from '@tokenward/core/store';
import { isEpoch } from './data-set.js';
import { isRemainder, recordOf, remainderOf, textOf } from './record-text.js';

/** A mirror of what is in Redis, in Redis' own words. */
export interface SharedMirror {
  /** Takes in a record of this process' own. @returns what is kept now, or undefined where it said nothing new */
  add(record: RevocationRecord): RevocationRecord | undefined;
  /** Takes in what was read, and tells listeners once. `isNews`: it was added by others right now. */
  take(texts: readonly string[], isNews: boolean): void;
  /** Until when tokens of these issuers are refused, since what hit them was forgotten. */
  takeRemainders(of: ReadonlyMap<string, string>): void;
  /** What this process knows, and whoever wrote these does not: portions, by their texts. `texts` may grow meanwhile. */
  missing(texts: ReadonlySet<string>, remainders: ReadonlyMap<string, string>, nowSeconds: number): AsyncIterable<ReadonlyMap<string, RevocationRecord>>;
  /** What this process has learned in the last seconds: after a loss it may be the only one. undefined where that is too much to be told apart. */
  lately(): ReadonlyMap<string, RevocationRecord> | undefined;
  /** How many texts were no revocations. */
  readonly junk: number;
}

const MAX_ISSUERS = 10_000;
/** So many at a time, for what else this process has to do. */
const PORTION = 1000;
/** What is older than one to two of these is known to every process that follows the stream. */
const LATELY_MS = 5000;
const MOST_LATELY = 20_000;

interface Lately {
  readonly records: Map<string, RevocationRecord>;
  /** There was more than could be kept. */
  isCut: boolean;
}

/** @param added is told when there was anything new */
export function createSharedMirror(mirror: RevocationMirror, added: () => void, junkFound: () => void): SharedMirror {
  /** Those whose remainders are shared; and each name once, since every text brings one of its own. */
  const issuers = new Map<string, string>();
  let junk = 0;
  let latest: Lately = { records: new Map(), isCut: false };
  let before = latest;
  let turnsAtMs = 0;

  function apply(records: readonly RevocationRecord[], isNews: boolean): void {
    let isNew = false;
    for (const record of records) {
      const kept = applyOne(record);
      if (kept && isNews) learn(kept);
      if (kept) isNew = true;
    }
    if (isNew) added();
  }

  function applyOne(record: RevocationRecord): RevocationRecord | undefined {
    const issuer = issuers.get(record.issuer) ?? record.issuer;
    if (issuers.size < MAX_ISSUERS) issuers.set(issuer, issuer);
    return mirror.apply({ ...record, issuer });
  }

  function learn(record: RevocationRecord): void {
    turn();
    if (latest.records.size < MOST_LATELY) latest.records.set(textOf(record), record);
    else latest.isCut = true;
  }

  function turn(): void {
    const now = performance.now();
    if (now < turnsAtMs) return;
    before = now < turnsAtMs + LATELY_MS ? latest : { records: new Map(), isCut: false };
    latest = { records: new Map(), isCut: false };
    turnsAtMs = now + LATELY_MS;
  }

  /** Asks the mirror as a token of the beginning of time would: revocations of the whole issuer come first, and are stepped over. */
  function remainderIn(issuer: string, nowSeconds: number): number | undefined {
    for (let issuedAt = 0; ;) {
      const found = mirror.find({ issuer, tokenId: undefined, sessionId: undefined, subject: undefined, clientId: undefined, issuedAt }, nowSeconds);
      if (!found) return undefined;
      if (found.until === Infinity) return found.issuedUntil;
      issuedAt = found.issuedUntil + 1;
    }
  }

  return {
    add(record) {
      const kept = applyOne(record);
      if (!kept) return undefined;
      learn(kept);
      added();
      return kept;
    },
    take(texts, isNews) {
      const records = texts.flatMap((text) => recordOf(text) ?? []);
      const skipped = texts.filter((text) => !isEpoch(text)).length - records.length;
      junk += skipped;
      apply(records, isNews);
      if (skipped > 0) junkFound();
    },
    takeRemainders(of) {
      const remainders = [...of].filter(([issuer]) => !isEpoch(issuer));
      apply(
        remainders.flatMap(([issuer, moment]) => recordOf(textOf(remainderOf(issuer, Number(moment)))) ?? []),
        false,
      );
    },
    async *missing(texts, remainders, nowSeconds) {
      const left = new Map<string, RevocationRecord>();
      for (const issuer of issuers.keys()) {
        const moment = remainderIn(issuer, nowSeconds);
        if (moment === undefined || Number(remainders.get(issuer)) >= moment) continue;
        const record = remainderOf(issuer, moment);
        left.set(textOf(record), record);
      }
      yield left;
      // as it is now: what is added meanwhile is sent by whoever adds it
      const all = [...mirror.records()];
      // each process goes its own way, so that they share the work
      for (const from of shuffledSteps(all.length, PORTION)) {
        const portion = new Map<string, RevocationRecord>();
        for (const record of all.slice(from, from + PORTION)) {
          if (isRemainder(record)) continue;
          const text = textOf(record);
          if (!texts.has(text)) portion.set(text, record);
        }
        yield portion;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    },
    lately() {
      turn();
      return before.isCut || latest.isCut ? undefined : new Map([...before.records, ...latest.records]);
    },
    get junk() {
      return junk;
    },
  };
}

/** 0, step, 2 * step and so on below an end, in any order. */
function shuffledSteps(end: number, step: number): readonly number[] {
  const steps = Array.from({ length: Math.ceil(end / step) }, (_value, at) => at * step);
  for (let at = steps.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [steps[at], steps[other]] = [steps[other]!, steps[at]!];
  }
  return steps;
}
