import { REVOCATION_KINDS, type RevocableToken, type RevocationKind, type RevocationRecord } from './revocation.js';

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
  readonly overflowed?: ((overflow: RevocationOverflow) => void) | undefined;
}

const BUCKET_SECONDS = 60;
const DEFAULT_MAX_ENTRIES = 1_000_000;
const MAX_QUIET_ISSUERS = 10_000;
const NEVER = -1;

interface OfIssuer extends Readonly<Record<Exclude<RevocationKind, 'issuer'>, Map<string, RevocationRecord>>> {
  /** Under one name, so that all kinds are kept alike. */
  readonly issuer: Map<string, RevocationRecord>;
  /** Tokens issued up to then may have been hit by something that is forgotten: seconds since the epoch. */
  forgottenUntil: number;
}

/**
 * Nothing is forgotten silently. A record whose time is over leaves behind until when the tokens that it hit were issued: one that lives on
 * nevertheless is refused, since nobody can tell any more. The same where there is no room: the older half of what the largest issuer has is
 * given up for one moment, and every token issued up to it is refused.
 */
export function createRevocationMirror({ maxEntries = DEFAULT_MAX_ENTRIES, overflowed = () => {} }: MirrorLimits = {}): RevocationMirror {
  const byIssuer = new Map<string, OfIssuer>();
  /** What ends when, by the minute, so that nobody walks through all of them. */
  const ending = new Map<number, Set<RevocationRecord>>();
  let sweptMinute = -Infinity;
  let size = 0;
  /** What is left of issuers of which nothing else is. */
  let forgottenOfAll = NEVER;

  function apply(record: RevocationRecord): RevocationRecord | undefined {
    const known = byIssuer.get(record.issuer)?.[record.kind].get(nameOf(record));
    const merged = known ? merge(known, record) : record;
    if (known && isSame(known, merged)) return undefined;
    if (known) remove(known);
    else if (size >= maxEntries) makeRoom();
    let of = byIssuer.get(record.issuer);
    if (!of) byIssuer.set(record.issuer, (of = noneYet()));
    of[record.kind].set(nameOf(record), merged);
    const minute = Math.ceil(merged.until / BUCKET_SECONDS);
    const bucket = ending.get(minute);
    if (bucket) bucket.add(merged);
    else ending.set(minute, new Set([merged]));
    size++;
    return merged;
  }

  function remove(record: RevocationRecord): void {
    byIssuer.get(record.issuer)![record.kind].delete(nameOf(record));
    const minute = Math.ceil(record.until / BUCKET_SECONDS);
    const bucket = ending.get(minute)!;
    bucket.delete(record);
    if (bucket.size === 0) ending.delete(minute);
    size--;
  }

  function sweep(nowSeconds: number): void {
    const minute = Math.floor(nowSeconds / BUCKET_SECONDS);
    if (minute <= sweptMinute) return;
    sweptMinute = minute;
    for (const [ends, bucket] of ending) {
      if (ends > minute) continue;
      for (const record of bucket) {
        remove(record);
        if (!record.isFinal) forget(record.issuer, record.issuedUntil);
      }
    }
    if (byIssuer.size > MAX_QUIET_ISSUERS) forgetQuietIssuers();
  }

  function forget(issuer: string, issuedUntil: number): void {
    const of = byIssuer.get(issuer)!;
    of.forgottenUntil = Math.max(of.forgottenUntil, issuedUntil);
  }

  function forgetQuietIssuers(): void {
    for (const [issuer, of] of byIssuer) {
      if (!recordsOf(of).next().done) continue;
      forgottenOfAll = Math.max(forgottenOfAll, of.forgottenUntil);
      byIssuer.delete(issuer);
    }
  }

  function makeRoom(): void {
    let largest: RevocationRecord[] = [];
    for (const of of byIssuer.values()) {
      const records = [...recordsOf(of)];
      if (records.length > largest.length) largest = records;
    }
    largest.sort((one, other) => one.issuedUntil - other.issuedUntil);
    const { issuer, issuedUntil } = largest[(largest.length - 1) >> 1]!;
    // those that hit no token which is not refused from now on
    const dropped = largest.filter((record) => record.issuedUntil <= issuedUntil);
    dropped.forEach(remove);
    forget(issuer, issuedUntil);
    overflowed({ issuer, dropped: dropped.length, issuedUntil });
  }

  return {
    apply,
    find(token, nowSeconds) {
      const of = byIssuer.get(token.issuer);
      const found = of && findIn(of, token, nowSeconds);
      if (found) return found;
      const forgottenUntil = Math.max(of ? of.forgottenUntil : NEVER, forgottenOfAll);
      return Math.floor(token.issuedAt) <= forgottenUntil ? forgotten(token.issuer, forgottenUntil) : undefined;
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

const ALL = '';

function nameOf({ kind, value }: RevocationRecord): string {
  return kind === 'issuer' ? ALL : value;
}

function noneYet(): OfIssuer {
  return {
    token: new Map(),
    session: new Map(),
    sessionless: new Map(),
    subject: new Map(),
    client: new Map(),
    issuer: new Map(),
    forgottenUntil: NEVER,
  };
}

function* recordsOf(of: OfIssuer): IterableIterator<RevocationRecord> {
  for (const kind of REVOCATION_KINDS) yield* of[kind].values();
}

function findIn(of: OfIssuer, { tokenId, sessionId, subject, clientId, issuedAt }: RevocableToken, nowSeconds: number): RevocationRecord | undefined {
  // RFC 7519 s2 allows fractions: the whole second is hit
  const issued = Math.floor(issuedAt);
  const ofToken = tokenId === undefined ? undefined : of.token.get(tokenId);
  if (ofToken && !hasEnded(ofToken, nowSeconds)) return ofToken;
  const ofSession = sessionId === undefined ? (subject === undefined ? undefined : of.sessionless.get(subject)) : of.session.get(sessionId);
  if (ofSession && hits(ofSession, issued, nowSeconds)) return ofSession;
  const ofSubject = subject === undefined ? undefined : of.subject.get(subject);
  if (ofSubject && hits(ofSubject, issued, nowSeconds)) return ofSubject;
  const ofClient = clientId === undefined ? undefined : of.client.get(clientId);
  if (ofClient && hits(ofClient, issued, nowSeconds)) return ofClient;
  const ofAll = of.issuer.get(ALL);
  return ofAll && hits(ofAll, issued, nowSeconds) ? ofAll : undefined;
}

function hits(record: RevocationRecord, issued: number, nowSeconds: number): boolean {
  return issued <= record.issuedUntil && !hasEnded(record, nowSeconds);
}

/** Of those that are not final nothing is over: what they leave behind hits at least the tokens that they hit and that still live. */
function hasEnded({ isFinal, until }: RevocationRecord, nowSeconds: number): boolean {
  return isFinal && nowSeconds >= until;
}

function forgotten(issuer: string, issuedUntil: number): RevocationRecord {
  return { kind: 'issuer', issuer, value: '', issuedUntil, until: Infinity, isFinal: false, reason: 'unspecified' };
}

/** In any order the same comes out, so that all processes of a fleet agree. */
function merge(one: RevocationRecord, other: RevocationRecord): RevocationRecord {
  const issuedUntil = Math.max(one.issuedUntil, other.issuedUntil);
  const later = one.issuedUntil === other.issuedUntil ? (one.reason > other.reason ? one : other) : one.issuedUntil > other.issuedUntil ? one : other;
  // one that is not final is kept as long after the later moment as it was to be after its own
  const kept = Math.max(...[one, other].map((record) => (record.isFinal ? 0 : record.until - record.issuedUntil)));
  return {
    ...later,
    issuedUntil,
    until: Math.max(one.until, other.until, kept > 0 ? issuedUntil + kept : 0),
    isFinal: one.isFinal && other.isFinal,
  };
}

function isSame(one: RevocationRecord, other: RevocationRecord): boolean {
  return one.issuedUntil === other.issuedUntil && one.until === other.until && one.isFinal === other.isFinal && one.reason === other.reason;
}
