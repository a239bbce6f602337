import { REVOCATION_KINDS, REVOCATION_REASONS, type RevocationKind, type RevocationReason } from '@tokenward/core';
import { isNumericDate, type RevocationRecord } from '@tokenward/core/store';

const KINDS: ReadonlySet<unknown> = new Set(REVOCATION_KINDS);
const REASONS: ReadonlySet<unknown> = new Set(REVOCATION_REASONS);
const MAX_NAME_LENGTH = 2048;
const MAX_TEXT_LENGTH = 32_768;
/** A record as Redis keeps it: an array, since the same record must give the same text everywhere, and since it is short. */
export function textOf({ kind, issuer, value, issuedUntil, until, isFinal, reason }: RevocationRecord): string {
  return JSON.stringify([kind, issuer, value, issuedUntil, until, isFinal ? 1 : 0, reason]);
}

/**
 * Anybody may have written what is in Redis: undefined where it is no revocation. What follows its seventh member is left to newer versions, and so
 * is a reason that is not known: neither is cause to forget a revocation.
 */
export function recordOf(text: string): RevocationRecord | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  let members: unknown;
  try {
    members = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(members) || members.length < 7) return undefined;
  const [kind, issuer, value, issuedUntil, until, isFinal, reason] = members as unknown[];
  if (!KINDS.has(kind)) return undefined;
  if (!isName(issuer) || typeof value !== 'string' || (kind === 'issuer' ? value !== '' : !isName(value))) return undefined;
  if (!isNumericDate(issuedUntil) || !isNumericDate(until) || (isFinal !== 0 && isFinal !== 1) || typeof reason !== 'string') return undefined;
  return {
    kind: kind as RevocationKind,
    issuer,
    value,
    issuedUntil,
    until,
    isFinal: isFinal === 1,
    reason: REASONS.has(reason) ? (reason as RevocationReason) : 'unspecified',
  };
}

/**
 * What is left of revocations whose time is over: the issuer's tokens up to then are refused. It has ended before it is made, so that a mirror
 * takes it as such.
 */
export function remainderOf(issuer: string, issuedUntil: number): RevocationRecord {
  return { kind: 'issuer', issuer, value: '', issuedUntil, until: issuedUntil, isFinal: false, reason: 'unspecified' };
}

export function isRemainder({ kind, issuedUntil, until, isFinal }: RevocationRecord): boolean {
  return kind === 'issuer' && !isFinal && until <= issuedUntil;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}
