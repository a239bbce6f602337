import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { MAX_KEY_ID_LENGTH } from './compact-jws.js';
import { own } from '../lib/json.js';
import { isLabelledFor } from './key-label.js';
import { weaknessOf } from './weak-keys.js';
import { isSameAlgorithm, TRAITS, type Algorithm, type AlgorithmTraits } from './algorithms.js';
import type { Jwks } from './jwk.js';

/** One public key, ready for the algorithms that it may be used with. */
export interface VerificationKey {
  readonly keyId: string | undefined;
  /** All that it was made of: where a new set holds the same, it is the same key. */
  readonly material: string;
  readonly prepared: ReadonlyMap<string, PreparedKey>;
}
/** A key bound to one algorithm: what node:crypto's `verify` takes. */
export interface PreparedKey {
  readonly hash: string | null;
  readonly key: KeyObject;
  readonly signatureLength: number;
  /** How a signature is checked: as it stands, as an ECDSA one (RFC 7518 s3.4), or by making it again. */
  readonly kind: 'signature' | 'ecdsa' | 'mac';
  /** Whose tokens alone it verifies, where its JWK says so: see {@link isLabelledFor}. */
  readonly label?: string | undefined;
}

export interface KeySet {
  readonly size: number;
  readonly keys: readonly VerificationKey[];
  readonly keyIds: readonly string[];
  /** Members of the JWKS that were left out, and those that should not be public: for operators, without any value. */
  readonly remarks: readonly string[];
  /** Those of the remarks that tell of a mistake, not of a key that is for something else. */
  readonly faults: readonly string[];
  /** Of shared secrets: by what they are compared with other issuers'. */
  readonly prints?: readonly string[];
  /** The keys that a token of this algorithm and `kid` may be signed with: few, and none when unknown. */
  candidates(algorithm: string, keyId: string | undefined): readonly PreparedKey[];
}

/** So many keys are tried at the most where a `kid` is missing or shared. */
const MAX_CANDIDATES = 4;
/** base64url of 8192 and of 48 bits, and of the longest other member (ML-DSA-87: 2592 bytes). */
const MAX_MODULUS_LENGTH = 1366;
const MAX_EXPONENT_LENGTH = 8;
const MAX_MEMBER_LENGTH = 3456;
const MAX_LABEL_LENGTH = 2048;
const NO_KEYS: readonly PreparedKey[] = Object.freeze([]);

/**
 * Prepares the usable keys of a JWKS document; one bad key among good ones is left out (RFC 7517 s5).
 *
 * @param before the set that this one follows: a key that both hold stays the same object, so that what it signed is still known
 * @throws Error when the document is no JWKS, has too many keys, or none that is usable
 */
export function parseKeySet(document: unknown, algorithms: readonly Algorithm[], maxKeys: number, before?: KeySet): KeySet {
  const listed = (document as Partial<Jwks> | null)?.keys;
  if (!Array.isArray(listed)) throw new Error('it is no JWKS: a JSON object with a "keys" array is needed');
  if (listed.length > maxKeys) throw new Error(`it holds ${listed.length} keys, more than the ${maxKeys} allowed`);

  const remarks: string[] = [];
  const faults: string[] = [];
  const keys: VerificationKey[] = [];
  for (const [index, jwk] of listed.entries()) {
    const key = parseKey(jwk, algorithms, before, (text, isFault) => {
      const remark = `keys[${index}]: ${text}`;
      remarks.push(remark);
      if (isFault) faults.push(remark);
    });
    if (key) keys.push(key);
  }
  if (keys.length === 0) throw new Error(`it holds no usable key${remarks.length ? ` (${remarks.slice(0, 5).join('; ')})` : ''}`);
  return createKeySet(keys, remarks, faults);
}

function createKeySet(keys: readonly VerificationKey[], remarks: string[], faults: readonly string[]): KeySet {
  const crowded = new Set<string>();
  const byAlgorithm = new Map<string, PreparedKey[]>();
  const byKeyId = new Map<string, Map<string, PreparedKey[]>>();
  for (const { keyId, prepared } of keys) {
    for (const [algorithm, key] of prepared) {
      if (!add(byAlgorithm, algorithm, key)) crowded.add(algorithm);
      if (keyId === undefined) continue;
      const ofKeyId = byKeyId.get(keyId) ?? new Map<string, PreparedKey[]>();
      byKeyId.set(keyId, ofKeyId);
      add(ofKeyId, algorithm, key);
    }
  }
  for (const algorithm of crowded)
    remarks.push(`more than ${MAX_CANDIDATES} keys are for ${algorithm}: tokens that name no kid are tried with the first of them only`);
  return {
    size: keys.length,
    keys,
    keyIds: [...byKeyId.keys()].filter((keyId) => keyId !== ''),
    remarks,
    faults,
    candidates: (algorithm, keyId) => (keyId === undefined ? byAlgorithm : byKeyId.get(keyId))?.get(algorithm) ?? NO_KEYS,
  };
}

function add(to: Map<string, PreparedKey[]>, algorithm: string, key: PreparedKey): boolean {
  const keys = to.get(algorithm) ?? [];
  to.set(algorithm, keys);
  return keys.length < MAX_CANDIDATES && keys.push(key) > 0;
}

/** RFC 7517 s4: what a key says of itself decides what it is used for, never a token. */
function parseKey(
  value: unknown,
  algorithms: readonly Algorithm[],
  before: KeySet | undefined,
  tell: (text: string, isFault: boolean) => void,
): VerificationKey | undefined {
  const remark = (text: string): void => tell(text, true);
  if (typeof value !== 'object' || value === null) return void remark('is no object');
  const jwk = value as Record<string, unknown>;
  const { kty, crv } = jwk;
  // a blank name is one that a token can name as well
  const kid = jwk['kid'] ?? undefined;
  const [alg, use] = [orAbsent(jwk['alg']), orAbsent(jwk['use'])];
  const [operations, label] = [jwk['key_ops'] ?? undefined, jwk['issuer'] ?? undefined];
  const forElse = (text: string): void => tell(text, false);
  if (kty === 'oct') return void remark('is a symmetric key, which has no place where others can read it');
  if (hasPrivatePart(jwk)) remark('shows its private part: replace this key at the issuer');
  if (kid !== undefined && !isShortText(kid, MAX_KEY_ID_LENGTH)) return void remark('has a "kid" that is no string, or a very long one');
  if (use !== undefined && use !== 'sig') return void forElse('is not for signatures ("use")');
  // RFC 7517 s4.3
  if (operations !== undefined && !isListOfNames(operations)) return void remark('has "key_ops" that are no list of different strings');
  if (operations !== undefined && !operations.includes('verify')) return void forElse('is not for verifying ("key_ops")');
  if (typeof label === 'string' && label.trim() === '') return void remark('has a blank "issuer": a key that is labelled for nobody signs for nobody');
  if (label !== undefined && !isShortText(label, MAX_LABEL_LENGTH)) return void remark('has an "issuer" that is no string, or a very long one');

  const fitting = algorithms.filter((name) => fits(TRAITS.get(name)!, kty, crv) && ((alg === undefined && kty !== 'AKP') || isSameAlgorithm(alg, name)));
  if (fitting.length === 0) return void forElse('fits none of the allowed algorithms');
  // looked at first, since to take a huge number apart would stop the process for minutes
  if (kty === 'RSA' && !(isShortText(jwk['n'], MAX_MODULUS_LENGTH) && isShortText(jwk['e'], MAX_EXPONENT_LENGTH))) {
    return void remark('is an RSA key whose modulus or exponent is missing or too large: each check would cost too much');
  }
  // a key within a key, say: nested deeply enough it would overflow the stack
  if (Object.values(publicMembers(jwk)).some((member) => member !== undefined && !isShortText(member, MAX_MEMBER_LENGTH))) {
    return void remark('has a member that is no string, or a very long one');
  }
  const material = JSON.stringify([kid, fitting, label, publicMembers(jwk)]);
  const same = before?.keys.find((one) => one.material === material);
  if (same) return same;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: publicMembers(jwk), format: 'jwk' });
  } catch {
    return void remark('can not be imported');
  }
  const weakness = weaknessOf(key);
  if (weakness) return void remark(weakness);
  return { keyId: kid, material, prepared: new Map(fitting.map((name) => [name, { ...prepare(key, TRAITS.get(name)!), label }])) };
}

/** What is null or blank says nothing: some servers write all the members that they know. */
function orAbsent(member: unknown): unknown {
  return member === null || (typeof member === 'string' && member.trim() === '') ? undefined : member;
}

function isShortText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most;
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') && new Set(value).size === value.length;
}

/** Those of the keys that may verify an issuer's tokens by what their JWKs say. */
export function keysFor(issuer: string, keys: readonly PreparedKey[]): readonly PreparedKey[] {
  // nearly always all of them
  return keys.every(({ label }) => isLabelledFor(label, issuer)) ? keys : keys.filter(({ label }) => isLabelledFor(label, issuer));
}

/** RFC 7518 s6.2.2, s6.3.2, s6.4: what must never be where others can read it. */
function hasPrivatePart(jwk: object): boolean {
  return ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'].some((name) => (own(jwk, name) ?? undefined) !== undefined);
}

const CURVES: Readonly<Record<string, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };

function fits(traits: AlgorithmTraits, kty: unknown, crv: unknown): boolean {
  if (traits.keyType === 'rsa') return kty === 'RSA';
  if (traits.keyType === 'ed25519') return kty === 'OKP' && crv === 'Ed25519';
  // one key type for all of them: the key must say which it is ("alg", draft-ietf-cose-dilithium)
  if (traits.keyType === 'ml-dsa') return kty === 'AKP';
  return kty === 'EC' && typeof crv === 'string' && Object.hasOwn(CURVES, crv) && CURVES[crv] === traits.curve;
}

/** RFC 9864: `Ed25519` is what `EdDSA` means here. */
function publicMembers({ kty, n, e, crv, x, y, alg, pub }: Record<string, unknown>): JsonWebKeyInput['key'] {
  const members = kty === 'AKP' ? { kty, alg, pub } : kty === 'RSA' ? { kty, n, e } : kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x };
  return members as JsonWebKeyInput['key'];
}

/**
 * PSS parameters ride on a key object of their own: `verify` reads them there as from any other object, and spends half as much again on a
 * plain object that holds the key (Node 24: 34 µs against 22 µs).
 */
function prepare(key: KeyObject, traits: AlgorithmTraits): PreparedKey {
  return {
    hash: traits.hash,
    key: traits.padding ? Object.assign(createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' }), traits.padding) : key,
    signatureLength: traits.signatureLength ?? Math.ceil(key.asymmetricKeyDetails!.modulusLength! / 8),
    kind: traits.keyType === 'ec' ? 'ecdsa' : 'signature',
  };
}
