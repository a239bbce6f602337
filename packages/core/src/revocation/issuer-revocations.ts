import { REVOCATION_KINDS, type RevocationKind } from '../vocabulary/revocation-words.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

/** A cut-off is the second up to which removed records covered tokens of an issuer. This one covers no token. */
export const NEVER = -1;

/** The records with one name. Final and open records end differently, so they are stored separately. */
interface Slot {
  /** Its caller set `until`, so every token that it covers has expired when it is removed. */
  final: RevocationRecord | undefined;
  /** Its caller set no `until`, so it leaves a cut-off when it is removed. */
  open: RevocationRecord | undefined;
}

/** The revocations of one issuer, by kind and name. */
export interface IssuerRevocations extends Readonly<Record<RevocationKind, Map<string, Slot>>> {
  records: number;
  bytes: number;
  /** Tokens with an `iat` up to this are refused, because a removed record may have covered them. In seconds since the epoch. */
  cutoff: number;
  /** The same for final records that have ended. It takes effect only if the clock is set back. */
  endedCutoff: number;
}

/** A record and its entries in Maps and Sets. */
const BYTES_PER_RECORD = 400;
/** A string takes two bytes a character if one of them is not Latin-1. */
const BYTES_PER_CHARACTER = 2;

export function createIssuerRevocations(): IssuerRevocations {
  const kinds = { token: new Map(), session: new Map(), sessionless: new Map(), subject: new Map(), client: new Map(), issuer: new Map() };
  return { ...kinds, records: 0, bytes: 0, cutoff: NEVER, endedCutoff: NEVER };
}

/** Returns a high estimate of the memory that a record takes, in bytes. */
export function weightOf({ issuer, value }: RevocationRecord): number {
  return BYTES_PER_RECORD + (issuer.length + value.length) * BYTES_PER_CHARACTER;
}

/** Returns the existing record with the same kind, name and `isFinal`; undefined if there is none. */
export function counterpartOf(issuer: IssuerRevocations, record: RevocationRecord): RevocationRecord | undefined {
  return issuer[record.kind].get(nameOf(record))?.[slotOf(record)];
}

/** Adds a record that has no counterpart. */
export function addRecord(issuer: IssuerRevocations, record: RevocationRecord): void {
  const slot = issuer[record.kind].get(nameOf(record));
  if (slot) slot[slotOf(record)] = record;
  else issuer[record.kind].set(nameOf(record), record.isFinal ? { final: record, open: undefined } : { final: undefined, open: record });
  issuer.records++;
  issuer.bytes += weightOf(record);
}

export function removeRecord(issuer: IssuerRevocations, record: RevocationRecord): void {
  const slot = issuer[record.kind].get(nameOf(record))!;
  slot[slotOf(record)] = undefined;
  if (!slot.final && !slot.open) issuer[record.kind].delete(nameOf(record));
  issuer.records--;
  issuer.bytes -= weightOf(record);
}

/**
 * Returns the records of an issuer. It reads each record when the iteration gets there, so records may be added or removed meanwhile.
 *
 * @param step 10 returns the records of every tenth name, and does not read the others: reading a million records that are not in the processor's cache takes
 *   half a second
 */
export function* recordsIn(issuer: IssuerRevocations, step = 1): IterableIterator<RevocationRecord> {
  let at = 0;
  for (const kind of REVOCATION_KINDS) {
    for (const slot of issuer[kind].values()) {
      if (at++ % step > 0) continue;
      if (slot.final) yield slot.final;
      if (slot.open) yield slot.open;
    }
  }
}

/**
 * Returns the same records, one of each kind in turn. Within a kind, older records mostly come first. Kinds take turns because all records of one kind may be
 * newer than those of another, so that the oldest record never comes after many others.
 */
export function* recordsByTurns(issuer: IssuerRevocations): IterableIterator<RevocationRecord> {
  const kinds = new Set(REVOCATION_KINDS.map((kind) => issuer[kind].values()));
  while (kinds.size > 0) {
    for (const slots of kinds) {
      const { value: slot } = slots.next();
      if (!slot) kinds.delete(slots);
      if (slot?.final) yield slot.final;
      if (slot?.open) yield slot.open;
    }
  }
}

/** Returns a record that covers a token; undefined if none does. */
export function findRecord(
  issuer: IssuerRevocations,
  { tokenId, sessionId, subject, clientId, issuedAt }: RevocableToken,
  nowSeconds: number,
): RevocationRecord | undefined {
  const issued = issuedSecond(issuedAt);
  const sessionSlot = sessionId === undefined ? (subject === undefined ? undefined : issuer.sessionless.get(subject)) : issuer.session.get(sessionId);
  return (
    (tokenId === undefined ? undefined : coveringRecord(issuer.token.get(tokenId), -Infinity, nowSeconds)) ??
    coveringRecord(sessionSlot, issued, nowSeconds) ??
    (subject === undefined ? undefined : coveringRecord(issuer.subject.get(subject), issued, nowSeconds)) ??
    (clientId === undefined ? undefined : coveringRecord(issuer.client.get(clientId), issued, nowSeconds)) ??
    coveringRecord(issuer.issuer.get(WHOLE_ISSUER), issued, nowSeconds)
  );
}

/** Rounds `iat` down, because RFC 7519 s2 allows fractions and a record covers whole seconds. A token without `iat` counts as the oldest. */
export function issuedSecond(issuedAt: number | undefined): number {
  return Number.isFinite(issuedAt) ? Math.floor(issuedAt!) : -Infinity;
}

/** An open record covers tokens until it is removed, even past its `until`. The cut-off that replaces it covers at least the same tokens. */
function coveringRecord(slot: Slot | undefined, issued: number, nowSeconds: number): RevocationRecord | undefined {
  if (!slot) return undefined;
  const { final, open } = slot;
  if (open && issued <= open.issuedUntil) return open;
  return final && issued <= final.issuedUntil && nowSeconds < final.until ? final : undefined;
}

function slotOf({ isFinal }: RevocationRecord): keyof Slot {
  return isFinal ? 'final' : 'open';
}

const WHOLE_ISSUER = '';

function nameOf({ kind, value }: RevocationRecord): string {
  return kind === 'issuer' ? WHOLE_ISSUER : value;
}
