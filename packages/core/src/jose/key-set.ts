import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { MAX_KEY_ID_LENGTH } from './compact-jws.js';
import { own } from '../lib/json.js';
import { isLabelledFor } from './key-label.js';
import { pssWay, type VerifyInput } from './pss.js';
import { weaknessOf } from './weak-keys.js';
import { isSameAlgorithm, TRAITS, type Algorithm, type AlgorithmTraits } from './algorithms.js';
import type { Jwks } from './jwk.js';

/** A public key, prepared for each algorithm that it may be used with. */
export interface VerificationKey {
  readonly keyId: string | undefined;
  /** Everything that the key was created from. Keys with the same material are the same key. */
  readonly material: string;
  readonly prepared: ReadonlyMap<string, PreparedKey>;
}
/** A key for one algorithm, as node:crypto's `verify` takes it. */
export interface PreparedKey {
  readonly hash: string | null;
  readonly key: KeyObject;
  /** The key with its parameters, as `verify` takes it. */
  readonly input: VerifyInput;
  readonly signatureLength: number;
  /** How to verify: pass the signature to `verify`, or to `createVerify`; convert it to DER (ECDSA, RFC 7518 s3.4), or compute the MAC and compare. */
  readonly kind: 'signature' | 'streamed' | 'ecdsa' | 'mac';
  /** The only issuer whose tokens it verifies, if its JWK names one: see {@link isLabelledFor}. */
  readonly label?: string | undefined;
}

export interface KeySet {
  readonly size: number;
  readonly keys: readonly VerificationKey[];
  readonly keyIds: readonly string[];
  /** Keys of the JWKS that were skipped, and keys that should not be public. For operators; without values. */
  readonly remarks: readonly string[];
  /** The remarks about mistakes. The others are about keys for other uses. */
  readonly problems: readonly string[];
  /** Fingerprints of shared secrets, to compare them with those of other issuers. */
  readonly prints?: readonly string[];
  /** Returns the keys that may have signed a token with this algorithm and `kid`: at most a few, and none if the key is unknown. */
  candidates(algorithm: string, keyId: string | undefined): readonly PreparedKey[];
}

/** The `use` of the keys that are wanted: `jwt-svid` in the trust bundles of SPIFFE. */
export type KeyUse = 'sig' | 'jwt-svid';

/** The most keys to try if a `kid` is missing, or several keys share it. */
const MAX_CANDIDATES = 4;
/** Lengths in base64url: a modulus of 8192 bits, an exponent of 48 bits, and the longest other member (ML-DSA-87: 2592 bytes). */
export const MAX_MODULUS_LENGTH = 1366;
export const MAX_EXPONENT_LENGTH = 8;
const MAX_MEMBER_LENGTH = 3456;
const MAX_LABEL_LENGTH = 2048;
const NO_KEYS: readonly PreparedKey[] = Object.freeze([]);

/**
 * Prepares the usable keys of a JWKS (RFC 7517 s5). It skips unusable keys.
 *
 * @param use what the keys are for. Keys with another `use` are skipped. A key without `use` counts as a key for signatures (RFC 7517 s4.2, SPIFFE Trust Domain
 * and Bundle s4.2.2)
 * @param previous the set that this one replaces. A key in both stays the same object, so that tokens which it verified stay cached
 * @throws Error if the document is not a JWKS, has too many keys, or has no usable key
 */
export function parseKeySet(document: unknown, algorithms: readonly Algorithm[], maxKeys: number, previous?: KeySet, use: KeyUse = 'sig'): KeySet {
  const listed = (document as Partial<Jwks> | null)?.keys;
  if (!Array.isArray(listed)) throw new Error('it is not a JWKS, which is a JSON object with an array "keys"');
  if (listed.length > maxKeys) throw new Error(`it contains ${listed.length} keys, more than the ${maxKeys} allowed`);

  const remarks: string[] = [];
  const problems: string[] = [];
  const keys: VerificationKey[] = [];
  for (const [index, jwk] of listed.entries()) {
    const key = parseKey(jwk, algorithms, previous, use, (text, isProblem) => {
      const remark = `keys[${index}]: ${text}`;
      remarks.push(remark);
      if (isProblem) problems.push(remark);
    });
    if (key) keys.push(key);
  }
  if (keys.length === 0) throw new Error(`it contains no usable key${remarks.length ? ` (${remarks.slice(0, 5).join('; ')})` : ''}`);
  return createKeySet(keys, remarks, problems);
}

function createKeySet(keys: readonly VerificationKey[], remarks: string[], problems: readonly string[]): KeySet {
  const overfull = new Set<string>();
  const byAlgorithm = new Map<string, PreparedKey[]>();
  const byKeyId = new Map<string, Map<string, PreparedKey[]>>();
  for (const { keyId, prepared } of keys) {
    for (const [algorithm, key] of prepared) {
      if (!add(byAlgorithm, algorithm, key)) overfull.add(algorithm);
      if (keyId === undefined) continue;
      const ofKeyId = byKeyId.get(keyId) ?? new Map<string, PreparedKey[]>();
      byKeyId.set(keyId, ofKeyId);
      add(ofKeyId, algorithm, key);
    }
  }
  for (const algorithm of overfull)
    remarks.push(`more than ${MAX_CANDIDATES} keys are for ${algorithm}, so tokens without kid are tried with the first ${MAX_CANDIDATES} only`);
  /** The last answer of `candidates`: most tokens of an issuer are signed with one key, and name it with the same strings. */
  let last: { readonly algorithm: string; readonly keyId: string | undefined; readonly found: readonly PreparedKey[] } | undefined;

  function candidates(algorithm: string, keyId: string | undefined): readonly PreparedKey[] {
    if (last && last.keyId === keyId && last.algorithm === algorithm) return last.found;
    const found = (keyId === undefined ? byAlgorithm : byKeyId.get(keyId))?.get(algorithm);
    if (!found) return NO_KEYS;
    last = { algorithm, keyId, found };
    return found;
  }

  return {
    size: keys.length,
    keys,
    keyIds: [...byKeyId.keys()].filter((keyId) => keyId !== ''),
    remarks,
    problems,
    candidates,
  };
}

function add(to: Map<string, PreparedKey[]>, algorithm: string, key: PreparedKey): boolean {
  const keys = to.get(algorithm) ?? [];
  to.set(algorithm, keys);
  return keys.length < MAX_CANDIDATES && keys.push(key) > 0;
}

/** Prepares a JWK (RFC 7517 s4). Its own members decide how it is used, never a token. */
export function parseKey(
  value: unknown,
  algorithms: readonly Algorithm[],
  previous: KeySet | undefined,
  wantedUse: KeyUse,
  report: (text: string, isProblem: boolean) => void,
): VerificationKey | undefined {
  const problem = (text: string): void => report(text, true);
  const otherUse = (text: string): void => report(text, false);
  if (typeof value !== 'object' || value === null) return void problem('is not an object');
  const jwk = value as Record<string, unknown>;
  const { kty, crv } = jwk;
  // unlike other members, a blank `kid` is a value: a token may have the same
  const kid = jwk['kid'] ?? undefined;
  const [alg, use] = [orAbsent(jwk['alg']), orAbsent(jwk['use'])];
  const [operations, label] = [jwk['key_ops'] ?? undefined, jwk['issuer'] ?? undefined];
  if (kty === 'oct') return void problem('is a symmetric key, which must not be published');
  if (hasPrivatePart(jwk)) problem('contains its private part. Replace this key at the issuer');
  if (kid !== undefined && !isShortText(kid, MAX_KEY_ID_LENGTH)) return void problem('has a "kid" that is not a string, or too long');
  if (use !== wantedUse && (use !== undefined || wantedUse !== 'sig'))
    return void otherUse(`is not for ${wantedUse === 'sig' ? 'signatures' : 'JWT-SVIDs'} ("use")`);
  // RFC 7517 s4.3
  if (operations !== undefined && !isListOfNames(operations)) return void problem('has "key_ops" that are not a list of different strings');
  if (operations !== undefined && !operations.includes('verify')) return void otherUse('is not for verifying ("key_ops")');
  if (typeof label === 'string' && label.trim() === '') return void problem('has a blank "issuer", so it verifies the tokens of no issuer');
  if (label !== undefined && !isShortText(label, MAX_LABEL_LENGTH)) return void problem('has an "issuer" that is not a string, or too long');

  const fitting = algorithms.filter((name) => fits(TRAITS.get(name)!, kty, crv) && ((alg === undefined && kty !== 'AKP') || isSameAlgorithm(alg, name)));
  if (fitting.length === 0) return void otherUse('fits none of the allowed algorithms');
  // before the import, since importing a huge number could block the process for minutes
  if (kty === 'RSA' && !(isShortText(jwk['n'], MAX_MODULUS_LENGTH) && isShortText(jwk['e'], MAX_EXPONENT_LENGTH))) {
    return void problem('is an RSA key whose modulus or exponent is missing or too large');
  }
  // a deeply nested member would overflow the stack
  if (Object.values(publicMembers(jwk)).some((member) => member !== undefined && !isShortText(member, MAX_MEMBER_LENGTH))) {
    return void problem('has a member that is not a string, or too long');
  }
  const material = JSON.stringify([kid, fitting, label, publicMembers(jwk)]);
  const same = previous?.keys.find((one) => one.material === material);
  if (same) return same;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: publicMembers(jwk), format: 'jwk' });
  } catch {
    return void problem('cannot be imported');
  }
  const weakness = weaknessOf(key);
  if (weakness) return void problem(weakness);
  return { keyId: kid, material, prepared: new Map(fitting.map((name) => [name, { ...prepare(key, TRAITS.get(name)!), label }])) };
}

/** Null and blank members count as absent: some servers write all members that they know. */
export function orAbsent(member: unknown): unknown {
  return member === null || (typeof member === 'string' && member.trim() === '') ? undefined : member;
}

function isShortText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength;
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') && new Set(value).size === value.length;
}

/** Returns the keys that may verify an issuer's tokens according to their labels. */
export function keysFor(issuer: string, keys: readonly PreparedKey[]): readonly PreparedKey[] {
  // avoids a copy in the usual case
  return keys.every(({ label }) => isLabelledFor(label, issuer)) ? keys : keys.filter(({ label }) => isLabelledFor(label, issuer));
}

/** The private members of JWKs (RFC 7518 s6.2.2, s6.3.2, s6.4). */
const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

export function hasPrivatePart(jwk: object): boolean {
  return PRIVATE_MEMBERS.some((name) => (own(jwk, name) ?? undefined) !== undefined);
}

const CURVES: Readonly<Record<string, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };

/** Whether the kind of a key fits an algorithm. */
export function fits(traits: AlgorithmTraits, kty: unknown, crv: unknown): boolean {
  if (traits.keyType === 'rsa') return kty === 'RSA';
  if (traits.keyType === 'ed25519') return kty === 'OKP' && crv === 'Ed25519';
  // all ML-DSA algorithms share a key type, so the key must have an "alg" (draft-ietf-cose-dilithium)
  if (traits.keyType === 'ml-dsa') return kty === 'AKP';
  return kty === 'EC' && typeof crv === 'string' && Object.hasOwn(CURVES, crv) && CURVES[crv] === traits.curve;
}

function publicMembers({ kty, n, e, crv, x, y, alg, pub }: Record<string, unknown>): JsonWebKeyInput['key'] {
  const members = kty === 'AKP' ? { kty, alg, pub } : kty === 'RSA' ? { kty, n, e } : kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x };
  return members as JsonWebKeyInput['key'];
}

/**
 * Prepares a key for one algorithm.
 *
 * @throws Error if this runtime cannot verify the algorithm. Such a runtime would verify PKCS #1 v1.5 signatures under the name of PSS
 */
export function prepare(key: KeyObject, traits: AlgorithmTraits): PreparedKey {
  const way = traits.padding && pssWay();
  if (traits.padding && !way) throw new Error('this runtime cannot verify PSS signatures');
  return {
    hash: traits.hash,
    key,
    input: way ? way.input(key, traits.padding) : key,
    signatureLength: traits.signatureLength ?? Math.ceil(key.asymmetricKeyDetails!.modulusLength! / 8),
    kind: way?.kind ?? (traits.keyType === 'ec' ? 'ecdsa' : traits.hash === null ? 'signature' : 'streamed'),
  };
}
