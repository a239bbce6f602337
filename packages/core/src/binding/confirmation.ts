import { isJsonObject } from '../lib/json.js';

/** The keys to which a token is bound: its `cnf` (RFC 7800 s3), read strictly. */
export interface Confirmation {
  /** `jkt`: the thumbprint of the key that signs the client's DPoP proofs (RFC 9449 s6.1). */
  readonly jkt: string | undefined;
  /** `x5t#S256`: the thumbprint of the client's certificate (RFC 8705 s3.1). */
  readonly certificate: string | undefined;
  /** Why no request can prove possession, in fixed words; undefined if a request can. */
  readonly unprovable: string | undefined;
  /** Values that proofs need, computed once for each token: a client sends many proofs with one token. */
  readonly kept: KeptForProofs;
}

export interface KeptForProofs {
  /** The hash of the token. */
  ath?: string;
  /** Who uses the token, as the store of proofs names it. */
  owner?: string;
}

/** The length of a SHA-256 digest in base64url. It is compared as text, so a digest with spare bits never matches. */
const THUMBPRINT = /^[\w-]{43}$/;

/**
 * Reads a token's `cnf`. A token without one is a bearer token. A `cnf` with any other member is unprovable: that member may be the one that the
 * authorization server relies on, and a part of a binding must not count as the whole.
 *
 * @param cnf the claim; undefined if it is absent
 */
export function readConfirmation(cnf: unknown): Confirmation | undefined {
  if (cnf === undefined) return undefined;
  if (!isJsonObject(cnf)) return unprovable('cnf is not an object');
  const names = Object.keys(cnf);
  if (names.length === 0) return unprovable('cnf is empty');
  let jkt: string | undefined;
  let certificate: string | undefined;
  for (const name of names) {
    const value = cnf[name];
    if (name !== 'jkt' && name !== 'x5t#S256') return unprovable('cnf has a member other than jkt and x5t#S256');
    if (typeof value !== 'string' || !THUMBPRINT.test(value)) return unprovable(`cnf has a member ${name} that is not a SHA-256 thumbprint`);
    if (name === 'jkt') jkt = value;
    else certificate = value;
  }
  return Object.freeze({ jkt, certificate, unprovable: undefined, kept: {} });
}

/** The proofs of possession that a guard checks. */
export interface CheckedProofs {
  /** Proofs of DPoP, for `jkt`. */
  readonly dpop: boolean;
  /** Client certificates, for `x5t#S256`. */
  readonly mtls: boolean;
}

/** Whether a request can prove possession of a token's keys to a guard. If none can, every request with the token is refused, so it is neither cached nor monitored. */
export function isProvable(confirmation: Confirmation | undefined, { dpop, mtls }: CheckedProofs): boolean {
  if (confirmation === undefined) return true;
  const { jkt, certificate, unprovable } = confirmation;
  return unprovable === undefined && (jkt === undefined || dpop) && (certificate === undefined || mtls);
}

function unprovable(cause: string): Confirmation {
  return Object.freeze({ jkt: undefined, certificate: undefined, unprovable: cause, kept: {} });
}
