import type { RevocationMirror, RevocationRecord } from '@tokenward/core';
import { isEpoch } from './data-set.js';
import { isRemainder, recordOf, remainderOf, textOf } from './record-text.js';

/** A mirror of what is in Redis, in Redis' own words. */
export interface SharedMirror {
  /** Takes in what was read, and tells listeners once. */
  take(texts: readonly string[]): void;
  /** Until when tokens of these issuers are refused, since what hit them was forgotten. */
  takeRemainders(of: ReadonlyMap<string, string>): void;
  /** What this process knows, and whoever wrote these does not. */
  missing(texts: ReadonlySet<string>, remainders: ReadonlyMap<string, string>, nowSeconds: number): AsyncIterable<RevocationRecord>;
  /** How many texts were no revocations. */
  readonly junk: number;
}

const MAX_ISSUERS = 10_000;
/** So many at a time, for what else this process has to do. */
const PORTION = 5000;

/** @param added is told when there was anything new */
export function createSharedMirror(mirror: RevocationMirror, added: () => void, junkFound: () => void): SharedMirror {
  /** Those whose remainders are shared; and each name once, since every text brings one of its own. */
  const issuers = new Map<string, string>();
  let junk = 0;

  function apply(records: readonly RevocationRecord[]): void {
    let isNew = false;
    for (const record of records) {
      const issuer = issuers.get(record.issuer) ?? record.issuer;
      if (issuers.size < MAX_ISSUERS) issuers.set(issuer, issuer);
      if (mirror.apply({ ...record, issuer })) isNew = true;
    }
    if (isNew) added();
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
    take(texts) {
      const records = texts.flatMap((text) => recordOf(text) ?? []);
      const skipped = texts.filter((text) => !isEpoch(text)).length - records.length;
      junk += skipped;
      apply(records);
      if (skipped > 0) junkFound();
    },
    takeRemainders(of) {
      const remainders = [...of].filter(([issuer]) => !isEpoch(issuer));
      apply(remainders.flatMap(([issuer, moment]) => recordOf(textOf(remainderOf(issuer, Number(moment)))) ?? []));
    },
    async *missing(texts, remainders, nowSeconds) {
      // as it is now: what is added meanwhile is sent by whoever adds it
      const all = [...mirror.records()];
      // each process begins elsewhere, so that they share the work
      const first = Math.floor(Math.random() * all.length);
      for (let at = 0; at < all.length; at++) {
        if (at % PORTION === 0) await new Promise<void>((resolve) => setImmediate(resolve));
        const record = all[(first + at) % all.length]!;
        if (!isRemainder(record) && !texts.has(textOf(record))) yield record;
      }
      for (const issuer of issuers.keys()) {
        const moment = remainderIn(issuer, nowSeconds);
        if (moment !== undefined && !(Number(remainders.get(issuer)) >= moment)) yield remainderOf(issuer, moment);
      }
    },
    get junk() {
      return junk;
    },
  };
}
