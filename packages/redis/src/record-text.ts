import type { RevocationKind, RevocationReason } from '@tokenward/core';
import { isNumericDate, REVOCATION_KINDS, REVOCATION_REASONS, type RevocationRecord } from '@tokenward/core/store';

const KINDS: ReadonlySet<unknown> = new Set(REVOCATION_KINDS);
const REASONS: ReadonlySet<unknown> = new Set(REVOCATION_REASONS);
const MAX_NAME_LENGTH = 2048;
const MAX_TEXT_LENGTH = 32_768;

/** Returns a record as Redis keeps it. An array is short, and equal records give equal texts in all processes. */
export function textOf({ kind, issuer, value, issuedUntil, until, isFinal, reason }: RevocationRecord): string {
  return JSON.stringify([kind, issuer, value, issuedUntil, until, isFinal ? 1 : 0, reason]);
}

/**
 * Returns the record in a text from Redis, or undefined if it is not a revocation: anybody may have written it. Members and reasons that a newer
 * version may add are ignored, so that no revocation is lost.
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
 * Returns an issuer's cut-off as a record: its tokens issued up to then are refused. It replaces revocations that ended or were evicted. It ends at
 * `issuedUntil`, by which {@link isCutoff} recognises it.
 */
export function cutoffOf(issuer: string, issuedUntil: number): RevocationRecord {
  return { kind: 'issuer', issuer, value: '', issuedUntil, until: issuedUntil, isFinal: false, reason: 'unspecified' };
}

export function isCutoff({ kind, issuedUntil, until, isFinal }: RevocationRecord): boolean {
  return kind === 'issuer' && !isFinal && until <= issuedUntil;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}
