import { parseCompactJws, type CompactJws, type JoseHeader, type KnownHeaders } from '../jose/compact-jws.js';
import { readEmbeddedKey, type EmbeddedKey } from '../jose/embedded-key.js';
import type { PreparedKey } from '../jose/key-set.js';
import { own, parseStrictObject } from '../lib/json.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { sha256 } from '../lib/sha256.js';

/** The header of a proof whose signature was verified, with the key that verified it. */
export interface ProvenHeader extends JoseHeader {
  readonly key: EmbeddedKey;
  readonly prepared: PreparedKey;
}

/** A DPoP proof (RFC 9449 s4.2) whose form is right. Its signature is not verified yet. */
export interface Proof {
  readonly jws: CompactJws;
  readonly key: EmbeddedKey;
  /** The imported key; undefined if it has verified no proof yet. */
  readonly prepared: PreparedKey | undefined;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  readonly ath: string;
  readonly nonce: string | undefined;
}

/** The longest proof that is read. One with the longest RSA key has 4 KiB. */
const MAX_PROOF_LENGTH = 8192;

/**
 * Reads the `DPoP` field of a request: one proof, a compact JWS with the members that a resource server needs. It imports no key.
 *
 * @param known headers that have verified a proof, by their encoded text
 * @returns if it is not acceptable, why: in fixed words
 */
export function readProof(field: string | readonly string[], algorithms: readonly string[], known: KnownHeaders<ProvenHeader>): Proof | string {
  const text = typeof field === 'string' ? field : field[0];
  if (typeof field !== 'string' && field.length > 1) return 'the request has two DPoP headers';
  if (typeof text !== 'string' || text === '') return 'the DPoP header is empty';
  if (text.length > MAX_PROOF_LENGTH) return `it is longer than ${MAX_PROOF_LENGTH} characters`;
  // two header lines that Node or a proxy joined (RFC 9110 s5.3)
  if (text.includes(',')) return 'the request has two DPoP headers';
  const jws = parseCompactJws(text, known);
  if (typeof jws === 'string') {
    return jws === 'unsupported_critical_header' ? 'its header requires an extension ("crit" or "b64")' : 'it is not a compact JWS';
  }
  const { header } = jws;
  if (isProven(header)) return readClaims(jws, header.key, header.prepared);
  if (header.type !== 'dpop+jwt') return 'its typ is not dpop+jwt';
  if (!algorithms.some((name) => name === header.algorithm)) return 'its alg is not allowed here';
  const key = readEmbeddedKey(header.jwk, header.algorithm);
  return typeof key === 'string' ? `its jwk ${key}` : readClaims(jws, key, undefined);
}

function isProven(header: JoseHeader): header is ProvenHeader {
  return Object.hasOwn(header, 'prepared');
}

function readClaims(jws: CompactJws, key: EmbeddedKey, prepared: PreparedKey | undefined): Proof | string {
  const claims = parseStrictObject(jws.payload);
  if (!claims) return 'its payload is not a strict JSON object';
  // one by one, since a list of names costs as much as a look-up of the key
  const [jti, htm, htu] = [own(claims, 'jti'), own(claims, 'htm'), own(claims, 'htu')];
  const [iat, ath, nonce] = [own(claims, 'iat'), own(claims, 'ath'), own(claims, 'nonce') ?? undefined];
  if (!isText(jti)) return 'its jti is missing or not a string';
  if (!isText(htm)) return 'its htm is missing or not a string';
  if (!isText(htu)) return 'its htu is missing or not a string';
  if (!isNumericDate(iat)) return 'its iat is missing or not a date in seconds';
  if (!isText(ath)) return 'its ath is missing or not a string';
  if (nonce !== undefined && typeof nonce !== 'string') return 'its nonce is not a string';
  return { jws, key, prepared, jti, htm, htu, iat, ath, nonce };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Returns the `ath` of a token: the hash that proofs for it carry (RFC 9449 s4.2). */
export function tokenHash(token: string): string {
  return sha256(token);
}
