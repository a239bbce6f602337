import { assertLimit, MOST_BYTES, MOST_ENTRIES } from '../lib/limit.js';
import {
  addRecord,
  counterpartOf,
  createIssuerRevocations,
  findRecord,
  issuedSecond,
  NEVER,
  recordsByTurns,
  recordsIn,
  removeRecord,
  weightOf,
  type IssuerRevocations,
} from './issuer-revocations.js';
import type { RevocationReason } from '../vocabulary/revocation-words.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

/** All revocations in effect, in the memory of this process. `find` costs a few Map look-ups, however many there are. */
export interface RevocationMirror {
  /**
   * Adds a record. If one with the same kind and name exists, they are merged: the later `issuedUntil` and the later `until` win. So does the reason of
   * the later `issuedUntil`. For a session, the strongest reason wins instead. The result does not depend on the order of arrival, so a late record
   * never makes a revoked token valid again.
   *
   * @param nowSeconds if there is no room, records that have ended by then are removed first. Default: the time of the last sweep
   * @returns the record that is kept now; undefined if the new one changed nothing
   */
  apply(record: RevocationRecord, nowSeconds?: number): RevocationRecord | undefined;
  /** Returns a revocation that covers a token; undefined if none does. */
  find(token: RevocableToken, nowSeconds: number): RevocationRecord | undefined;
  /**
   * Removes records that have ended or were evicted, at most 1000 in a call, since removing a million takes seconds. It looks for ended ones once a minute, so you
   * may call it for every request. Until it removes an ended record, the record covers no more tokens than the cut-off that will replace
   * it. If there is no room for a new record, `apply` removes such records first.
   *
   * @returns whether it has removed all of them
   */
  sweep(nowSeconds: number): boolean;
  /** Whether a record is kept as it is: it was neither merged with another one nor removed. */
  has(record: RevocationRecord): boolean;
  records(): IterableIterator<RevocationRecord>;
  /** Returns the issuers that have records or a cut-off of their own, with that cut-off. It leaves out the cut-off that removed issuers share. */
  issuers(): IterableIterator<readonly [issuer: string, cutoff: number | undefined]>;
  readonly size: number;
}

/** Records of one issuer were evicted, because there was no room. */
export interface RevocationOverflow {
  readonly issuer: string;
  /** About how many records were evicted. The cut-off replaces them at once, and they are removed when room is needed. */
  readonly dropped: number;
  /** All tokens of the issuer with an `iat` up to this are refused now, in seconds since the epoch. */
  readonly issuedUntil: number;
}

export interface MirrorLimits {
  /** Default: 1000000. */
  readonly maxEntries?: number | undefined;
  /** The estimated memory for all records. It bounds long names, which are the issuer's choice. Default: 536870912 (512 MiB). */
  readonly maxBytes?: number | undefined;
  readonly overflowed?: ((overflow: RevocationOverflow) => void) | undefined;
}

const BUCKET_SECONDS = 60;
const SWEEP_PORTION = 1000;
/** How many records of a pending eviction each `apply` examines, so that no single call has to examine all of them. */
const LOOKS_PER_RECORD = 4;
/**
 * How many records a call looks at if there is no room. An eviction may spare all that come first, so the mirror may exceed its limits meanwhile: by one record for
 * each so many that the eviction has to look at.
 */
const MAX_LOOKS = 1000;
/** From about how many of an issuer's names an eviction estimates the median moment of the records. More would take longer than about 20 ms. */
const MEDIAN_OF = 10_000;
/** If the clock is set back by no more than this, it was only adjusted, and earlier sweeps stay valid. */
const CLOCK_TOLERANCE_MINUTES = 5;
const DEFAULT_MAX_ENTRIES = 1_000_000;
/** Enough for a million records with names of ordinary length. */
const DEFAULT_MAX_BYTES = 536_870_912;
/** The longest record must fit. */
const MIN_MAX_BYTES = 65_536;
const MAX_EMPTY_ISSUERS = 10_000;

/**
 * Creates a mirror that never drops a revocation silently. When a record is removed, its `issuedUntil` stays as the issuer's cut-off: tokens issued up to
 * then are refused, because the record may have covered them. If there is no room, the older half of one issuer's records is evicted, and also leaves a
 * cut-off.
 */
export function createRevocationMirror({
  maxEntries = DEFAULT_MAX_ENTRIES,
  maxBytes = DEFAULT_MAX_BYTES,
  overflowed = () => {},
}: MirrorLimits = {}): RevocationMirror {
  assertLimit('maxEntries', maxEntries, MOST_ENTRIES);
  assertLimit('maxBytes', maxBytes, MOST_BYTES, MIN_MAX_BYTES);
  const byIssuer = new Map<string, IssuerRevocations>();
  /** The records by the minute in which they are removed, so that a sweep does not visit all of them. */
  const byEnd = new Map<number, Set<RevocationRecord>>();
  let sweptMinute = -Infinity;
  /** Those up to the last sweep that have records. */
  const endedMinutes = new Set<number>();
  /** What is left of the current sweep. */
  let ended: Iterator<RevocationRecord, void> | undefined;
  /** What the current eviction has not looked at yet. It yields undefined for a record that stays, because looking at many of these takes time, too. */
  let evicted: Iterator<RevocationRecord | undefined, void> | undefined;
  let size = 0;
  let bytes = 0;
  /** The latest cut-offs of the issuers that were removed. `cutoff` applies to every issuer, `endedCutoff` only after the clock was set back. */
  const removed = { cutoff: NEVER, endedCutoff: NEVER };

  function apply(record: RevocationRecord, nowSeconds?: number): RevocationRecord | undefined {
    const issuer = byIssuer.get(record.issuer);
    if (isFullFor(record) && !record.isFinal && record.issuedUntil <= (issuer?.cutoff ?? NEVER)) return undefined;
    const known = issuer && counterpartOf(issuer, record);
    const merged = known ? merge(known, record) : record;
    if (known && isSame(known, merged)) return undefined;
    if (known) remove(known);
    const overflows: RevocationOverflow[] = [];
    let looks = LOOKS_PER_RECORD;
    while (looks-- > 0 && removeNextEvicted());
    if (nowSeconds !== undefined && isFullFor(merged)) lookForEnded(nowSeconds);
    for (looks = MAX_LOOKS; looks > 0 && isFullFor(merged); looks--) {
      // what a cut-off has replaced, and then what has ended: a new cut-off would refuse tokens that are still valid
      if (removeNextEvicted() || removeNextEnded()) continue;
      // several times if necessary: half of many short records may take less memory than one long record
      overflows.push(evictHalf(merged));
    }
    add(merged);
    for (const overflow of overflows) overflowed(overflow);
    return merged;
  }

  function isFullFor(record: RevocationRecord): boolean {
    return size > 0 && (size >= maxEntries || bytes + weightOf(record) > maxBytes);
  }

  function add(record: RevocationRecord): void {
    let issuer = byIssuer.get(record.issuer);
    if (!issuer) byIssuer.set(record.issuer, (issuer = createIssuerRevocations()));
    addRecord(issuer, record);
    const minute = endMinuteOf(record);
    const bucket = byEnd.get(minute);
    if (bucket) bucket.add(record);
    else byEnd.set(minute, new Set([record]));
    // as records from Redis may have, and cut-offs always
    if (minute <= sweptMinute) {
      endedMinutes.add(minute);
      ended ??= endedRecords();
    }
    size++;
    bytes += weightOf(record);
  }

  function remove(record: RevocationRecord): void {
    removeRecord(byIssuer.get(record.issuer)!, record);
    const bucket = byEnd.get(endMinuteOf(record))!;
    bucket.delete(record);
    if (bucket.size === 0) byEnd.delete(endMinuteOf(record));
    size--;
    bytes -= weightOf(record);
  }

  function sweep(nowSeconds: number): boolean {
    if (byIssuer.size === 0 && removed.endedCutoff === NEVER) return true;
    lookForEnded(nowSeconds);
    if (!ended && !evicted) return true;
    for (let count = 0; count < SWEEP_PORTION; count++) if (!removeNextEnded() && !removeNextEvicted()) return true;
    return false;
  }

  function lookForEnded(nowSeconds: number): void {
    const minute = Math.floor(nowSeconds / BUCKET_SECONDS);
    if (minute <= sweptMinute && minute >= sweptMinute - CLOCK_TOLERANCE_MINUTES) return;
    if (minute < sweptMinute) distrustEarlierSweeps();
    sweptMinute = minute;
    endedMinutes.clear();
    for (const endMinute of byEnd.keys()) if (endMinute <= minute) endedMinutes.add(endMinute);
    ended = endedRecords();
  }

  /** Removes one record that the sweep has found to have ended. Returns whether there was one. */
  function removeNextEnded(): boolean {
    const next = ended?.next();
    if (!next) return false;
    if (!next.done) {
      removeEnded(next.value);
      return true;
    }
    ended = undefined;
    if (byIssuer.size > MAX_EMPTY_ISSUERS) removeEmptyIssuers();
    return false;
  }

  /** It also finds those that are added while it is iterated. */
  function* endedRecords(): Generator<RevocationRecord, void> {
    for (const minute of endedMinutes) {
      // once all its records are removed, a bucket is gone: a later record gets a new one
      for (let bucket = byEnd.get(minute); bucket; bucket = byEnd.get(minute)) yield* bucket;
      endedMinutes.delete(minute);
    }
  }

  function removeEnded(record: RevocationRecord): void {
    remove(record);
    const issuer = byIssuer.get(record.issuer)!;
    if (record.isFinal) issuer.endedCutoff = Math.max(issuer.endedCutoff, record.issuedUntil);
    else issuer.cutoff = Math.max(issuer.cutoff, record.issuedUntil);
  }

  /** The clock was set back, so records that were removed as ended may still be in effect. */
  function distrustEarlierSweeps(): void {
    for (const issuer of [removed, ...byIssuer.values()]) {
      issuer.cutoff = Math.max(issuer.cutoff, issuer.endedCutoff);
      issuer.endedCutoff = NEVER;
    }
  }

  function removeEmptyIssuers(): void {
    for (const [name, issuer] of byIssuer) {
      if (issuer.records > 0) continue;
      removed.cutoff = Math.max(removed.cutoff, issuer.cutoff);
      removed.endedCutoff = Math.max(removed.endedCutoff, issuer.endedCutoff);
      byIssuer.delete(name);
    }
  }

  /**
   * Evicts the older half of the records of one issuer: the new record's issuer if it has more than its share, otherwise the issuer with the most. From now on, the
   * cut-off covers every token that they cover. They are removed one at a time, since removing half a million at once takes seconds.
   */
  function evictHalf({ issuer: newcomer }: RevocationRecord): RevocationOverflow {
    const [measure, limit] = size >= maxEntries ? (['records', maxEntries] as const) : (['bytes', maxBytes] as const);
    let name = newcomer;
    if ((byIssuer.get(name)?.[measure] ?? 0) < limit / byIssuer.size) {
      for (const [other, issuer] of byIssuer) if (issuer[measure] > (byIssuer.get(name)?.[measure] ?? 0)) name = other;
    }
    const issuer = byIssuer.get(name)!;
    const step = Math.ceil(issuer.records / MEDIAN_OF);
    const moments = Float64Array.from(recordsIn(issuer, step), ({ issuedUntil }) => issuedUntil).sort();
    const issuedUntil = moments[(moments.length - 1) >> 1]!;
    issuer.cutoff = Math.max(issuer.cutoff, issuedUntil);
    evicted = evictedRecords(issuer, issuedUntil);
    const covered = (moments.lastIndexOf(issuedUntil) + 1) / moments.length;
    return { issuer: name, dropped: Math.round(covered * issuer.records), issuedUntil };
  }

  /** Looks at one record of the eviction that goes on, and removes it if the cut-off replaced it. Returns whether there was one to look at. */
  function removeNextEvicted(): boolean {
    const next = evicted?.next();
    if (next?.value) remove(next.value);
    if (next?.done) evicted = undefined;
    return evicted !== undefined;
  }

  return {
    apply,
    find(token, nowSeconds) {
      // most of the time nothing is revoked, and this runs for every request
      if (byIssuer.size === 0 && removed.cutoff === NEVER) return undefined;
      const issuer = byIssuer.get(token.issuer);
      const found = issuer && issuer.records > 0 ? findRecord(issuer, token, nowSeconds) : undefined;
      if (found) return found;
      const cutoff = Math.max(issuer ? issuer.cutoff : NEVER, removed.cutoff);
      return cutoff > NEVER && issuedSecond(token.issuedAt) <= cutoff ? cutoffRecord(token.issuer, cutoff) : undefined;
    },
    sweep,
    has(record) {
      const issuer = byIssuer.get(record.issuer);
      const known = issuer && counterpartOf(issuer, record);
      return known !== undefined && isSame(known, record);
    },
    *records() {
      for (const issuer of byIssuer.values()) yield* recordsIn(issuer);
    },
    *issuers() {
      for (const [name, { cutoff }] of byIssuer) yield [name, cutoff === NEVER ? undefined : cutoff];
    },
    get size() {
      return size;
    },
  };
}

/** Returns the minute in which a sweep removes a record. A final one stays a little longer, since nothing takes its place if the clock is adjusted. */
function endMinuteOf({ until, isFinal }: RevocationRecord): number {
  return Math.ceil(until / BUCKET_SECONDS) + (isFinal ? CLOCK_TOLERANCE_MINUTES : 0);
}

function* evictedRecords(issuer: IssuerRevocations, issuedUntil: number): Generator<RevocationRecord | undefined, void> {
  for (const record of recordsByTurns(issuer)) yield record.issuedUntil <= issuedUntil ? record : undefined;
}

function cutoffRecord(issuer: string, issuedUntil: number): RevocationRecord {
  return { kind: 'issuer', issuer, value: '', issuedUntil, until: Infinity, isFinal: false, reason: 'unspecified' };
}

/** Merges two records that are both final or both open. The result is the same in either order, so that all processes of a fleet agree. */
function merge(one: RevocationRecord, other: RevocationRecord): RevocationRecord {
  const later = one.issuedUntil === other.issuedUntil ? (one.reason > other.reason ? one : other) : one.issuedUntil > other.issuedUntil ? one : other;
  const until = Math.max(one.until, other.until);
  return one.kind === 'session' ? { ...later, until, reason: strongerReason(one.reason, other.reason) } : { ...later, until };
}

/** Returns the stronger of two reasons. A session ends once, and a merged record has the time of only one of its reasons, so times do not decide. */
function strongerReason(one: RevocationReason, other: RevocationReason): RevocationReason {
  return REASON_STRENGTH.indexOf(one) > REASON_STRENGTH.indexOf(other) ? one : other;
}

const REASON_STRENGTH: readonly RevocationReason[] = [
  'unspecified',
  // a new login may have replaced the session
  'session_revoked',
  'logout',
  'claims_changed',
  'credential_changed',
  'administrative',
  'compromised',
];

function isSame(one: RevocationRecord, other: RevocationRecord): boolean {
  return one.issuedUntil === other.issuedUntil && one.until === other.until && one.reason === other.reason;
}
