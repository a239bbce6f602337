import type { Reason } from '../vocabulary/reason.js';
import { decodeBase64url } from '../lib/base64url.js';
import { isJsonObject, own, parseStrictObject, type JsonObject } from '../lib/json.js';
import { LONG_HEADER, MAX_HEADER_LENGTH, MAX_KEY_ID_LENGTH } from './compact-jws.js';
import {
  CONTENT_ENCRYPTION,
  contentEncryptionNamed,
  CURVES,
  familyOf,
  keyEncryptionNamed,
  type ContentEncryptionAlgorithm,
  type KeyEncryptionAlgorithm,
  type KeyEncryptionFamily,
} from './jwe-algorithms.js';

/** What the parts of a compact JWE (RFC 7516 s7.1) say before anything is decrypted. */
export interface CompactJwe {
  readonly algorithm: KeyEncryptionAlgorithm;
  readonly encryption: ContentEncryptionAlgorithm;
  readonly keyId: string | undefined;
  /** The curve of the sender's ephemeral key, for ECDH-ES. */
  readonly curve: string | undefined;
  /** The bytes of the encrypted key. 0 if there is none. */
  readonly keyBytes: number;
  /** The claims that the header repeats (RFC 7519 s5.3). The signed claims must have the same values. */
  readonly replicated: JsonObject | undefined;
}

/** Why a token cannot be decrypted. */
export interface JweFailure {
  readonly reason: Extract<Reason, 'malformed_token' | 'encrypted_token' | 'unsupported_critical_header' | 'token_too_large'>;
  readonly cause?: string;
  readonly expected?: unknown;
  readonly found?: unknown;
}

/** It checks an own member: with a polluted prototype, everything would look like a failure. */
export function isJweFailure(parsed: CompactJwe | JweFailure): parsed is JweFailure {
  return Object.hasOwn(parsed, 'reason');
}

/** What RFC 7519 s5.2 demands, and the media type of RFC 9068 s2.1, which some servers write. */
const NESTED = new Set(['jwt', 'at+jwt']);
const MAX_PARTY_LENGTH = 512;
const WRAPPING_BYTES = 8;
const GCM = CONTENT_ENCRYPTION.A256GCM;

/**
 * Parses a compact JWE, and checks all that can be checked without a key: anybody can encrypt to a public key, and decrypting costs far more. The header is
 * held to the same rules as that of a JWS. `jwk`, `jku`, `x5u`, `x5c` and `x5t` are not read.
 *
 * @param encryptions the allowed `enc`
 */
export function parseCompactJwe(token: string, encryptions: ReadonlySet<ContentEncryptionAlgorithm>): CompactJwe | JweFailure {
  const [first, second, third, fourth] = dotsOf(token);
  if (fourth === undefined) return { reason: 'malformed_token', cause: 'it does not have 5 segments separated by dots' };
  if (first! > MAX_HEADER_LENGTH) return { reason: 'token_too_large', cause: LONG_HEADER };
  const header = headerOf(token.slice(0, first));
  if (!header) return { reason: 'malformed_token', cause: 'its header is not a strict JSON object in base64url' };
  // no extension is supported, so every `crit` is refused (RFC 7516 s4.1.13)
  if (Object.hasOwn(header, 'crit')) return { reason: 'unsupported_critical_header' };
  const alg = own(header, 'alg');
  const enc = own(header, 'enc');
  const kid = own(header, 'kid') ?? undefined;
  const typ = own(header, 'typ') ?? undefined;
  const cty = own(header, 'cty') ?? undefined;
  if (typeof alg !== 'string' || typeof enc !== 'string' || !isTextOrAbsent(kid) || !isTextOrAbsent(typ) || !isTextOrAbsent(cty))
    return { reason: 'malformed_token', cause: 'a member of its header (alg, enc, kid, typ or cty) is missing or not a string' };
  if (kid !== undefined && kid.length > MAX_KEY_ID_LENGTH) return { reason: 'malformed_token', cause: 'its kid is too long' };
  if (Object.hasOwn(header, 'zip')) return refused('it is compressed (zip), which is not supported');
  const algorithm = keyEncryptionNamed(alg);
  if (!algorithm) return refused('its alg is not supported', undefined, alg);
  const encryption = contentEncryptionNamed(enc);
  if (!encryption || !encryptions.has(encryption)) return refused('its enc is not allowed', [...encryptions], enc);
  if (typ !== undefined && !NESTED.has(mediaType(typ))) return refused('its typ is not that of an access token', ['at+jwt', 'JWT'], typ);
  if (cty === undefined || !NESTED.has(mediaType(cty))) return refused('its cty does not say that it contains a signed JWT (RFC 7519 s5.2)', ['JWT'], cty);
  const problem = memberProblem(algorithm, header);
  if (problem !== undefined) return refused(problem);

  const { keyBytes, ivBytes, tagBytes, blockBytes } = CONTENT_ENCRYPTION[encryption];
  const key64 = token.slice(first! + 1, second);
  const key = key64 === '' ? NO_BYTES : decodeBase64url(key64);
  const iv = decodeBase64url(token.slice(second! + 1, third));
  const content = decodeBase64url(token.slice(third! + 1, fourth));
  const tag = decodeBase64url(token.slice(fourth + 1));
  if (!key || !iv || !content || !tag) return { reason: 'malformed_token', cause: 'its segments are not base64url' };
  if (!hasKeyOf(algorithm, key.length, keyBytes)) return refused('its encrypted key does not have the length for its alg and enc');
  if (iv.length !== ivBytes || content.length % blockBytes !== 0) return refused('its initialization vector or its content does not fit its enc');
  // a shortened tag would be easier to forge (RFC 7518 s5.3)
  if (tag.length !== tagBytes) return refused('its authentication tag does not have the full length');
  const curve = isAgreed(familyOf(algorithm)) ? curveOf(header) : undefined;
  return { algorithm, encryption, keyId: kid, curve, keyBytes: key.length, replicated: replicatedClaims(header) };
}

function refused(cause: string, expected?: unknown, found?: unknown): JweFailure {
  return { reason: 'encrypted_token', cause, expected, found };
}

/** Returns the places of the dots, or nothing if there are more than four. It does not split the token, so that many dots cost nothing. */
function dotsOf(token: string): readonly number[] {
  const dots: number[] = [];
  for (let at = token.indexOf('.'); at >= 0; at = token.indexOf('.', at + 1)) if (dots.push(at) > 4) return [];
  return dots;
}

function headerOf(header64: string): JsonObject | undefined {
  const bytes = decodeBase64url(header64);
  return bytes && parseStrictObject(bytes);
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function mediaType(value: string): string {
  return value.replace(/^application\//i, '').toLowerCase();
}

/** Returns what is wrong with the header members that an algorithm needs (RFC 7518 s4.6.1, s4.7.1). */
function memberProblem(algorithm: KeyEncryptionAlgorithm, header: JsonObject): string | undefined {
  const family = familyOf(algorithm);
  if (family === 'gcm-wrapped')
    return hasBytes(own(header, 'iv'), GCM.ivBytes) && hasBytes(own(header, 'tag'), GCM.tagBytes)
      ? undefined
      : 'the iv or the tag of its key does not have the full length';
  if (!isAgreed(family)) return undefined;
  for (const name of ['apu', 'apv']) {
    const party = own(header, name);
    if (party !== undefined && !(typeof party === 'string' && party.length <= MAX_PARTY_LENGTH && decodeBase64url(party)))
      return 'its apu or apv is not base64url, or too long';
  }
  return curveOf(header) === undefined ? 'its epk is missing, or is not a public key on a supported curve' : undefined;
}

function isAgreed(family: KeyEncryptionFamily): boolean {
  return family === 'agreed' || family === 'agreed-wrapping';
}

/** Returns the curve of the ephemeral key. Whether its coordinates are a point on the curve is checked when it is used. */
function curveOf(header: JsonObject): string | undefined {
  const epk = own(header, 'epk');
  if (!isJsonObject(epk)) return undefined;
  const crv = own(epk, 'crv');
  const curve = CURVES.get(crv as string);
  if (!curve || own(epk, 'kty') !== curve.kty || !hasBytes(own(epk, 'x'), curve.bytes)) return undefined;
  return curve.kty === 'OKP' || hasBytes(own(epk, 'y'), curve.bytes) ? (crv as string) : undefined;
}

function hasBytes(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && decodeBase64url(value)?.length === bytes;
}

/** Whether an encrypted key can have this length. That of an RSA key depends on the key. */
function hasKeyOf(algorithm: KeyEncryptionAlgorithm, length: number, contentKeyBytes: number): boolean {
  switch (familyOf(algorithm)) {
    case 'direct':
    case 'agreed':
      return length === 0;
    case 'wrapped':
    case 'agreed-wrapping':
      return length === contentKeyBytes + WRAPPING_BYTES;
    case 'gcm-wrapped':
      return length === contentKeyBytes;
    case 'rsa':
      return length > 0;
  }
}

function replicatedClaims(header: JsonObject): JsonObject | undefined {
  const names = ['iss', 'sub', 'aud'].filter((name) => Object.hasOwn(header, name));
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, header[name]]));
}

const NO_BYTES = Buffer.alloc(0);
