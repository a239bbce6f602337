import { createHash, createPublicKey, type JsonWebKeyInput } from 'node:crypto';
import { decodeBase64url } from '../lib/base64url.js';
import { isJsonObject, type JsonObject } from '../lib/json.js';
import { isSameAlgorithm, TRAITS } from './algorithms.js';
import { fits, hasPrivatePart, MAX_EXPONENT_LENGTH, MAX_MODULUS_LENGTH, orAbsent, prepare, type PreparedKey } from './key-set.js';
import { weaknessOf } from './weak-keys.js';

/** A public key that a JWS has in its own header (`jwk`, RFC 7515 s4.1.3), read strictly and not imported yet. */
export interface EmbeddedKey {
  /** The members that make the key, in the order that RFC 7638 s3.3 wants. */
  readonly members: Readonly<Record<string, string>>;
  /** The SHA-256 thumbprint (RFC 7638 s3), in base64url. */
  readonly thumbprint: string;
}

/** The lengths of coordinates in base64url: each has as many bytes as the curve's field (RFC 7518 s6.2.1.2, RFC 8037 s2). */
const COORDINATE_LENGTHS: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 43],
  ['P-384', 64],
  ['P-521', 88],
  ['Ed25519', 43],
]);

/**
 * Reads the `jwk` of a header for the header's algorithm. Nothing is imported yet: the thumbprint alone shows whether the key is the expected one.
 *
 * @returns if it is not acceptable, why: in fixed words that follow "its jwk"
 */
export function readEmbeddedKey(jwk: unknown, algorithm: string): EmbeddedKey | string {
  if (jwk === undefined) return 'is missing';
  if (!isJsonObject(jwk)) return 'is not an object';
  // without a prototype, so that a polluted one adds no members
  const own = Object.assign(Object.create(null) as JsonObject, jwk);
  const { kty, crv } = own;
  const [alg, use] = [orAbsent(own['alg']), orAbsent(own['use'])];
  if (kty === 'oct') return 'is a symmetric key';
  if (hasPrivatePart(own)) return 'contains a private key';
  if (!fits(TRAITS.get(algorithm)!, kty, crv)) return 'does not fit the alg';
  if (alg !== undefined && !isSameAlgorithm(alg, algorithm)) return 'is for another alg';
  if (use !== undefined && use !== 'sig') return 'is not for signatures ("use")';
  const members = membersOf(own);
  if (!members) return 'has a member that is missing or malformed';
  return { members, thumbprint: createHash('sha256').update(JSON.stringify(members)).digest('base64url') };
}

/** Only canonical base64url counts: with two spellings of a member, one key would have two thumbprints. */
function membersOf({ kty, crv, x, y, n, e }: Readonly<Record<string, unknown>>): EmbeddedKey['members'] | undefined {
  if (kty === 'RSA') return isNumber(n, MAX_MODULUS_LENGTH) && isNumber(e, MAX_EXPONENT_LENGTH) ? { e, kty, n } : undefined;
  const length = COORDINATE_LENGTHS.get(crv)!;
  if (!isOfLength(x, length)) return undefined;
  if (kty === 'OKP') return { crv: crv as string, kty, x };
  return isOfLength(y, length) ? { crv: crv as string, kty: 'EC', x, y } : undefined;
}

function isOfLength(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length && decodeBase64url(value) !== undefined;
}

/** Whether a value is a number without leading zeros (Base64urlUInt, RFC 7518 s2). */
function isNumber(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && (decodeBase64url(value)?.[0] ?? 0) !== 0;
}

/**
 * Imports an embedded key for one algorithm. It costs more than all other checks before the signature.
 *
 * @returns if it cannot be used, why: in fixed words that follow "its jwk"
 */
export function importEmbeddedKey({ members }: EmbeddedKey, algorithm: string): PreparedKey | string {
  let key;
  try {
    key = createPublicKey({ key: members as JsonWebKeyInput['key'], format: 'jwk' });
  } catch {
    return 'cannot be imported';
  }
  return weaknessOf(key) ?? prepare(key, TRAITS.get(algorithm)!);
}
