import { misuse } from '../lib/configuration-error.js';
import { shown } from '../lib/shown-option.js';
import { REVOCATION_KINDS, type RevocationKind } from '../vocabulary/revocation-words.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

/** All live revocations in this process' memory. A look costs a few look-ups in Maps, however many there are. */
export interface RevocationMirror {
  /**
   * Takes a record in. Of two about the same the later moment and the later end count, in whatever order they come: nothing that comes late
   * brings a token back.
   *
   * @returns what is kept now, or undefined where it said nothing new
   */
  apply(record: RevocationRecord): RevocationRecord | undefined;
  /** The revocation that a token falls under. */
  find(token: RevocableToken, nowSeconds: number): RevocationRecord | undefined;
  /** Forgets those whose time is over. It costs as much as there are of them, so it may be asked often. */
  sweep(nowSeconds: number): void;
  records(): IterableIterator<RevocationRecord>;
  readonly size: number;
}

/** Those of one issuer that were given up for want of room. */
export interface RevocationOverflow {
  readonly issuer: string;
  readonly dropped: number;
  /** All the issuer's tokens with an `iat` up to this are refused now, in seconds since the epoch. */
  readonly issuedUntil: number;
}

export interface MirrorLimits {
  /** Default: 1000000. */
  readonly maxEntries?: number | undefined;
  /** What they may take in memory, as an estimate that is not a low one: an issuer chooses how long its names are. Default: 536870912 (512 MiB). */
  readonly maxBytes?: number | undefined;
  readonly overflowed?: ((overflow: RevocationOverflow) => void) | undefined;
}

const BUCKET_SECONDS = 60;
/** Those who ask, and one who is corrected, may be apart by less, and that is nothing. */
const CLOCKS_APART_MINUTES = 5;
const DEFAULT_MAX_ENTRIES = 1_000_000;
/** A million with names of ordinary length. */
const DEFAULT_MAX_BYTES = 536_870_912;
/** The longest record must have room. */
const LEAST_BYTES = 65_536;
/** The record, and its places in Maps and Sets. */
const BYTES_PER_RECORD = 400;
/** Two bytes where one of a name's characters is not Latin. */
const BYTES_PER_CHARACTER = 2;
const MAX_QUIET_ISSUERS = 10_000;
const NEVER = -1;

/** What is kept under one name: what is final, and what is not, end in different ways. */
interface Named {
  final: RevocationRecord | undefined;
  open: RevocationRecord | undefined;
}

interface OfIssuer extends Readonly<Record<RevocationKind, Map<string, Named>>> {
  records: number;
  bytes: number;
  /** Tokens issued up to then may have been hit by something that is forgotten: seconds since the epoch. */
  forgottenUntil: number;
  /** The same of what was final, which matters only where the clock that ended it was wrong. */
  endedUntil: number;
}

/**
 * Nothing is forgotten silently. A record whose time is over leaves behind until when the tokens that it hit were issued: one that lives on
 * nevertheless is refused, since nobody can tell any more. The same where there is no room: the older half of what one issuer has is given up
 * for one moment, and every token issued up to it is refused.
 */
export function createRevocationMirror({
  maxEntries = DEFAULT_MAX_ENTRIES,
  maxBytes = DEFAULT_MAX_BYTES,
  overflowed = () => {},
}: MirrorLimits = {}): RevocationMirror {
  if (!(Number.isInteger(maxEntries) && maxEntries > 0)) throw misuse('maxEntries', `is ${shown(maxEntries, 'number')}: a whole number, 1 or more, is needed`);
  if (!(Number.isInteger(maxBytes) && maxBytes >= LEAST_BYTES))
    throw misuse('maxBytes', `is ${shown(maxBytes, 'number')}: a whole number, ${LEAST_BYTES} or more, is needed`);
  const byIssuer = new Map<string, OfIssuer>();
  /** What ends when, by the minute, so that nobody walks through all of them. */
  const ending = new Map<number, Set<RevocationRecord>>();
  let sweptMinute = -Infinity;
  let size = 0;
  let bytes = 0;
  /** What is left of issuers of which nothing else is. */
  let forgottenOfAll = NEVER;

  function apply(record: RevocationRecord): RevocationRecord | undefined {
    if (isFullFor(record) && !record.isFinal && record.issuedUntil <= (byIssuer.get(record.issuer)?.forgottenUntil ?? NEVER)) return undefined;
    const known = lookUp(record)?.[lifeOf(record)];
    const merged = known ? merge(known, record) : record;
    if (known && isSame(known, merged)) return undefined;
    if (known) remove(known);
    const overflows: RevocationOverflow[] = [];
    // half of many short ones may be less than one long one
    while (isFullFor(merged)) overflows.push(makeRoom(merged));
    keep(merged);
    for (const overflow of overflows) overflowed(overflow);
    return merged;
  }

  function isFullFor(record: RevocationRecord): boolean {
    return size > 0 && (size >= maxEntries || bytes + weightOf(record) > maxBytes);
  }

  function lookUp(record: RevocationRecord): Named | undefined {
    return byIssuer.get(record.issuer)?.[record.kind].get(nameOf(record));
  }

  function keep(record: RevocationRecord): void {
    let of = byIssuer.get(record.issuer);
    if (!of) byIssuer.set(record.issuer, (of = noneYet()));
    const named = of[record.kind].get(nameOf(record));
    if (named) named[lifeOf(record)] = record;
    else of[record.kind].set(nameOf(record), record.isFinal ? { final: record, open: undefined } : { final: undefined, open: record });
    const minute = minuteOf(record);
    const bucket = ending.get(minute);
    if (bucket) bucket.add(record);
    else ending.set(minute, new Set([record]));
    of.records++;
    of.bytes += weightOf(record);
    size++;
    bytes += weightOf(record);
  }

  function remove(record: RevocationRecord): void {
    const of = byIssuer.get(record.issuer)!;
    const named = of[record.kind].get(nameOf(record))!;
    named[lifeOf(record)] = undefined;
    if (!named.final && !named.open) of[record.kind].delete(nameOf(record));
    const bucket = ending.get(minuteOf(record))!;
    bucket.delete(record);
    if (bucket.size === 0) ending.delete(minuteOf(record));
    of.records--;
    of.bytes -= weightOf(record);
    size--;
    bytes -= weightOf(record);
  }

  function sweep(nowSeconds: number): void {
    const minute = Math.floor(nowSeconds / BUCKET_SECONDS);
    if (minute <= sweptMinute && minute >= sweptMinute - CLOCKS_APART_MINUTES) return;
    if (minute < sweptMinute) doubtWhatHasEnded();
    sweptMinute = minute;
    for (const [ends, bucket] of ending) {
      if (ends > minute) continue;
      for (const record of bucket) {
        if (record.isFinal && ends > minute - CLOCKS_APART_MINUTES) continue;
        remove(record);
        const of = byIssuer.get(record.issuer)!;
        if (record.isFinal) of.endedUntil = Math.max(of.endedUntil, record.issuedUntil);
        else of.forgottenUntil = Math.max(of.forgottenUntil, record.issuedUntil);
      }
    }
    if (byIssuer.size > MAX_QUIET_ISSUERS) forgetQuietIssuers();
  }

  /** The clock was set back: what has ended by it may not have. */
  function doubtWhatHasEnded(): void {
    for (const of of byIssuer.values()) {
      of.forgottenUntil = Math.max(of.forgottenUntil, of.endedUntil);
      of.endedUntil = NEVER;
    }
  }

  function forgetQuietIssuers(): void {
    for (const [issuer, of] of byIssuer) {
      if (of.records > 0) continue;
      forgottenOfAll = Math.max(forgottenOfAll, of.forgottenUntil);
      byIssuer.delete(issuer);
    }
  }

  /** Whoever has more than its share gives way to its own; else the one that has most. */
  function makeRoom({ issuer: forIssuer }: RevocationRecord): RevocationOverflow {
    // of what has run out
    const [measure, most] = size >= maxEntries ? (['records', maxEntries] as const) : (['bytes', maxBytes] as const);
    let issuer = forIssuer;
    if ((byIssuer.get(issuer)?.[measure] ?? 0) < most / byIssuer.size) {
      for (const [name, of] of byIssuer) if (of[measure] > (byIssuer.get(issuer)?.[measure] ?? 0)) issuer = name;
    }
    const of = byIssuer.get(issuer)!;
    const all = [...recordsOf(of)].sort((one, other) => one.issuedUntil - other.issuedUntil);
    const { issuedUntil } = all[(all.length - 1) >> 1]!;
    // those that hit no token which is not refused from now on
    const dropped = all.filter((record) => record.issuedUntil <= issuedUntil);
    dropped.forEach(remove);
    of.forgottenUntil = Math.max(of.forgottenUntil, issuedUntil);
    return { issuer, dropped: dropped.length, issuedUntil };
  }

  return {
    apply,
    find(token, nowSeconds) {
      const of = byIssuer.get(token.issuer);
      const found = of && of.records > 0 ? findIn(of, token, nowSeconds) : undefined;
      if (found) return found;
      const forgottenUntil = Math.max(of ? of.forgottenUntil : NEVER, forgottenOfAll);
      return forgottenUntil > NEVER && secondOf(token.issuedAt) <= forgottenUntil ? forgotten(token.issuer, forgottenUntil) : undefined;
    },
    sweep,
    *records() {
      for (const of of byIssuer.values()) yield* recordsOf(of);
    },
    get size() {
      return size;
    },
  };
}

function weightOf({ issuer, value }: RevocationRecord): number {
  return BYTES_PER_RECORD + (issuer.length + value.length) * BYTES_PER_CHARACTER;
}

function lifeOf({ isFinal }: RevocationRecord): keyof Named {
  return isFinal ? 'final' : 'open';
}

function minuteOf({ until }: RevocationRecord): number {
  return Math.ceil(until / BUCKET_SECONDS);
}

const ALL = '';

function nameOf({ kind, value }: RevocationRecord): string {
  return kind === 'issuer' ? ALL : value;
}

function noneYet(): OfIssuer {
  const kinds = { token: new Map(), session: new Map(), sessionless: new Map(), subject: new Map(), client: new Map(), issuer: new Map() };
  return { ...kinds, records: 0, bytes: 0, forgottenUntil: NEVER, endedUntil: NEVER };
}

function* recordsOf(of: OfIssuer): IterableIterator<RevocationRecord> {
  for (const kind of REVOCATION_KINDS) {
    for (const { final, open } of of[kind].values()) {
      if (final) yield final;
      if (open) yield open;
    }
  }
}

function findIn(of: OfIssuer, { tokenId, sessionId, subject, clientId, issuedAt }: RevocableToken, nowSeconds: number): RevocationRecord | undefined {
  const issued = secondOf(issuedAt);
  const ofSession = sessionId === undefined ? (subject === undefined ? undefined : of.sessionless.get(subject)) : of.session.get(sessionId);
  return (
    (tokenId === undefined ? undefined : hitOf(of.token.get(tokenId), -Infinity, nowSeconds)) ??
    hitOf(ofSession, issued, nowSeconds) ??
    (subject === undefined ? undefined : hitOf(of.subject.get(subject), issued, nowSeconds)) ??
    (clientId === undefined ? undefined : hitOf(of.client.get(clientId), issued, nowSeconds)) ??
    hitOf(of.issuer.get(ALL), issued, nowSeconds)
  );
}

/** RFC 7519 s2 allows fractions: the whole second is hit. A token that does not say when it was issued may be the oldest of all. */
function secondOf(issuedAt: number | undefined): number {
  return Number.isFinite(issuedAt) ? Math.floor(issuedAt!) : -Infinity;
}

/** Of what is not final nothing is over: what it leaves behind hits at least the tokens that it hit and that still live. */
function hitOf(named: Named | undefined, issued: number, nowSeconds: number): RevocationRecord | undefined {
  if (!named) return undefined;
  const { final, open } = named;
  if (open && issued <= open.issuedUntil) return open;
  return final && issued <= final.issuedUntil && nowSeconds < final.until ? final : undefined;
}

function forgotten(issuer: string, issuedUntil: number): RevocationRecord {
  return { kind: 'issuer', issuer, value: '', issuedUntil, until: Infinity, isFinal: false, reason: 'unspecified' };
}

/** In any order the same comes out, so that all processes of a fleet agree. Both are final, or neither is. */
function merge(one: RevocationRecord, other: RevocationRecord): RevocationRecord {
  const later = one.issuedUntil === other.issuedUntil ? (one.reason > other.reason ? one : other) : one.issuedUntil > other.issuedUntil ? one : other;
  return { ...later, until: Math.max(one.until, other.until) };
}

function isSame(one: RevocationRecord, other: RevocationRecord): boolean {
  return one.issuedUntil === other.issuedUntil && one.until === other.until && one.reason === other.reason;
}
