import type { AuthScheme } from '../request/credentials.js';

/** The parameters of a `WWW-Authenticate` challenge: RFC 6750 s3, RFC 9470 s3, RFC 9728 s5.1. */
export interface Challenge {
  readonly realm: string;
  /** The signature algorithms of proofs (RFC 9449 s7.1), with blanks between them. Only for DPoP. */
  readonly algorithms?: string | undefined;
  readonly resourceMetadata?: string | undefined;
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
  readonly scope?: string | undefined;
  readonly acrValues?: string | undefined;
  readonly maxAge?: number | undefined;
}

/** Returns a challenge: `Bearer realm="...", ...`, each value quoted. It always has `realm`, because RFC 6750 s3 requires at least one parameter. */
export function challengeLine(scheme: AuthScheme, challenge: Challenge): string {
  let line = `${scheme} realm=${quoted(challenge.realm)}`;
  if (challenge.error !== undefined) line += `, error=${quoted(challenge.error)}`;
  if (challenge.errorDescription !== undefined) line += `, error_description=${quoted(challenge.errorDescription)}`;
  if (challenge.scope !== undefined) line += `, scope=${quoted(challenge.scope)}`;
  if (challenge.acrValues !== undefined) line += `, acr_values=${quoted(challenge.acrValues)}`;
  if (challenge.maxAge !== undefined) line += `, max_age=${quoted(String(challenge.maxAge))}`;
  if (challenge.algorithms !== undefined) line += `, algs=${quoted(challenge.algorithms)}`;
  if (challenge.resourceMetadata !== undefined) line += `, resource_metadata=${quoted(challenge.resourceMetadata)}`;
  return line;
}

/** Returns a quoted-string (RFC 9110 s5.6.4) without characters that are not printable ASCII: a line break would start a header of its own. */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
