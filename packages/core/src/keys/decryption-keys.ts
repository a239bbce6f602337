import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { types } from 'node:util';
import type { CompactJwe } from '../jose/compact-jwe.js';
import { MAX_KEY_ID_LENGTH } from '../jose/compact-jws.js';
import {
  AGREED_DEFAULTS,
  CONTENT_ENCRYPTION,
  familyOf,
  KEY_ENCRYPTION_ALGORITHMS,
  keyEncryptionNamed,
  RSA_DEFAULTS,
  secretBytesOf,
  type KeyEncryptionAlgorithm,
} from '../jose/jwe-algorithms.js';
import { orAbsent } from '../jose/key-set.js';
import { weaknessOf } from '../jose/weak-keys.js';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import { parseJson } from '../lib/parse-json.js';
import { isKeyMaterial, PEM_BEGIN } from './key-material.js';
import { secretWeakness } from './shared-secrets.js';

/** A key of this API that decrypts tokens. */
export interface DecryptionKey {
  readonly key: KeyObject;
  readonly keyId: string | undefined;
  readonly algorithms: ReadonlySet<KeyEncryptionAlgorithm>;
  /** The curve of an elliptic curve key, as tokens name it. */
  readonly curve: string | undefined;
  /** The bytes of what an RSA key encrypts, or of a secret key. */
  readonly bytes: number;
}

/** What an option says about its keys, in addition to the keys themselves. */
export interface KeyOptions {
  readonly kid: string | undefined;
  readonly algorithms: readonly KeyEncryptionAlgorithm[] | undefined;
}

/** The most keys that are tried for a token. */
export const MAX_TRIED = 4;
const MAX_KEYS_IN_FILE = 16;
const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g;
const NIST_CURVES: ReadonlyMap<string | undefined, string> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
]);

/**
 * Returns the keys that may decrypt a token: those with its `kid`; if there are none, those without a key id; and for a token without `kid`, all that fit.
 * Never more than {@link MAX_TRIED}.
 */
export function candidatesFor(jwe: CompactJwe, keys: readonly DecryptionKey[]): readonly DecryptionKey[] {
  const fitting = keys.filter((key) => fits(key, jwe));
  if (jwe.keyId === undefined) return fitting.slice(0, MAX_TRIED);
  const named = fitting.filter(({ keyId }) => keyId === jwe.keyId);
  return (named.length > 0 ? named : fitting.filter(({ keyId }) => keyId === undefined)).slice(0, MAX_TRIED);
}

function fits({ algorithms, curve, bytes }: DecryptionKey, jwe: CompactJwe): boolean {
  if (!algorithms.has(jwe.algorithm)) return false;
  switch (familyOf(jwe.algorithm)) {
    case 'rsa':
      return bytes === jwe.keyBytes;
    case 'agreed':
    case 'agreed-wrapping':
      return curve === jwe.curve;
    case 'direct':
      return bytes === CONTENT_ENCRYPTION[jwe.encryption].keyBytes;
    case 'wrapped':
    case 'gcm-wrapped':
      return true;
  }
}

/**
 * Prepares one key of an option: a JWK, a PEM text or a KeyObject.
 *
 * @throws Error if it cannot be used. The message follows the option's name, and shows nothing of the key
 */
export function parseDecryptionKey(given: unknown, keyOptions: KeyOptions): DecryptionKey {
  if (types.isKeyObject(given)) return prepare(given, keyOptions);
  if (typeof given === 'string') return prepare(privateKeyFrom(given), keyOptions);
  if (isJsonObject(given)) return parseJwk(given, keyOptions);
  throw new Error('must be a private key: a JWK with its private members, a PEM text, or a KeyObject');
}

/**
 * Parses the text of a file: a JWK, a JWKS, or private keys in PEM.
 *
 * @throws Error if it cannot be used. The message shows nothing of the keys
 */
export function parseDecryptionKeyText(text: string, keyOptions: KeyOptions): readonly DecryptionKey[] {
  const keys = text.includes(PEM_BEGIN) ? pemBlocks(text).map((block) => attempt(() => prepare(privateKeyFrom(block), keyOptions))) : jwksIn(text, keyOptions);
  if (keys.length === 0) throw new Error('it contains no key');
  if (keys.length > MAX_KEYS_IN_FILE) throw new Error(`it contains ${keys.length} keys, more than ${MAX_KEYS_IN_FILE}`);
  if (keys.length > 1 && keyOptions.kid !== undefined)
    throw new Error('it contains several keys, so kid cannot name them. Use a JWKS, in which each key has its kid');
  return keys;
}

function pemBlocks(text: string): readonly string[] {
  const blocks = text.match(PEM) ?? [];
  // the file may be half-written
  if (blocks.length !== text.split(PEM_BEGIN).length - 1) throw new Error('it contains a PEM block without an end');
  return blocks;
}

function jwksIn(text: string, keyOptions: KeyOptions): readonly DecryptionKey[] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw new Error('it is neither JSON nor PEM');
  }
  const listed = isJsonObject(value) && Object.hasOwn(value, 'keys') ? value['keys'] : [value];
  if (!Array.isArray(listed)) throw new Error('it is neither a JWK nor a JWKS');
  return (listed as unknown[]).map((jwk, index) =>
    attempt(() => {
      if (!isJsonObject(jwk)) throw new Error('is not a JWK');
      return parseJwk(jwk, keyOptions);
    }, `keys[${index}] `),
  );
}

/** Changes a message about an option into one about a key in its file. */
function attempt<T>(parse: () => T, prefix = 'a key in it '): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${prefix}${(error as Error).message}`);
  }
}

/** A JWK (RFC 7517 s4). `use` and `key_ops` must not rule decryption out. */
function parseJwk(jwk: JsonObject, { kid, algorithms }: KeyOptions): DecryptionKey {
  const [use, alg] = [orAbsent(own(jwk, 'use')), orAbsent(own(jwk, 'alg'))];
  const [operations, id] = [own(jwk, 'key_ops') ?? undefined, own(jwk, 'kid') ?? undefined];
  if (use !== undefined && use !== 'enc') throw new Error('is not for encryption ("use")');
  if (operations !== undefined && !(Array.isArray(operations) && operations.some((one) => OPERATIONS.has(one))))
    throw new Error('is not for decrypting ("key_ops")');
  if (id !== undefined && (typeof id !== 'string' || id.length > MAX_KEY_ID_LENGTH)) throw new Error('has a "kid" that is not a string, or too long');
  const named = typeof alg === 'string' ? keyEncryptionNamed(alg) : undefined;
  if (alg !== undefined && !named) throw new Error('has an "alg" that is not one for encrypting keys, or not supported');
  const keyOptions = { kid: kid ?? id, algorithms: algorithms ?? (named && [named]) };
  if (jwk['kty'] === 'oct') return prepare(secretOf(jwk), keyOptions);
  if (!Object.hasOwn(jwk, 'd')) throw new Error('is a public key. Decrypting needs the private one');
  return prepare(privateKeyFrom(jwk), keyOptions);
}

const OPERATIONS: ReadonlySet<unknown> = new Set(['decrypt', 'unwrapKey', 'deriveKey', 'deriveBits']);

function secretOf(jwk: JsonObject): KeyObject {
  const k = own(jwk, 'k');
  if (typeof k !== 'string' || k === '' || !/^[\w-]+$/.test(k)) throw new Error('has a "k" that is not base64url');
  return createSecretKey(k, 'base64url');
}

function privateKeyFrom(given: string | JsonObject): KeyObject {
  try {
    return typeof given === 'string' ? createPrivateKey(given) : createPrivateKey({ key: { ...given } as never, format: 'jwk' });
  } catch {
    // the parser's message may quote the key
    throw new Error('is not a private key that can be read: PEM ("BEGIN PRIVATE KEY", not encrypted), or a JWK with its private members');
  }
}

function prepare(key: KeyObject, { kid, algorithms }: KeyOptions): DecryptionKey {
  if (key.type === 'public') throw new Error('is a public key. Decrypting needs the private one');
  if (key.type === 'secret') return prepareSecret(key, kid, algorithms);
  const weakness = weaknessOf(createPublicKey(key));
  if (weakness !== undefined) throw new Error(weakness);
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  const found = asymmetricKeyType === 'x25519' ? 'X25519' : asymmetricKeyType === 'ec' ? NIST_CURVES.get(asymmetricKeyDetails?.namedCurve) : undefined;
  const usable: readonly KeyEncryptionAlgorithm[] = asymmetricKeyType === 'rsa' ? ['RSA-OAEP', ...RSA_DEFAULTS] : found === undefined ? [] : AGREED_DEFAULTS;
  if (usable.length === 0) throw new Error('is of a kind that cannot decrypt tokens. Use RSA with at least 2048 bits, P-256, P-384, P-521 or X25519');
  const unusable = algorithms?.find((name) => !usable.includes(name));
  if (unusable !== undefined) throw new Error(`cannot be used for ${unusable}. It fits ${usable.join(', ')}`);
  const chosen = algorithms ?? (asymmetricKeyType === 'rsa' ? RSA_DEFAULTS : AGREED_DEFAULTS);
  return { key, keyId: kid, algorithms: new Set(chosen), curve: found, bytes: Math.ceil((asymmetricKeyDetails?.modulusLength ?? 0) / 8) };
}

/** Only the option says what a secret key is for, and one key for several algorithms would be less secure. */
function prepareSecret(key: KeyObject, kid: string | undefined, algorithms: KeyOptions['algorithms']): DecryptionKey {
  const [algorithm, other] = algorithms ?? [];
  const names = KEY_ENCRYPTION_ALGORITHMS.filter((name) => !RSA_AND_CURVES.has(name));
  if (algorithm === undefined || other !== undefined || RSA_AND_CURVES.has(algorithm))
    throw new Error(`is a secret key, so algorithms must name the one that it is for: ${names.join(', ')}`);
  const bytes = key.symmetricKeySize!;
  const needed = secretBytesOf(algorithm);
  const lengths = needed === undefined ? Object.values(CONTENT_ENCRYPTION).map(({ keyBytes }) => keyBytes as number) : [needed];
  if (!lengths.includes(bytes)) throw new Error(`has ${bytes} bytes, and ${algorithm} needs ${[...new Set(lengths)].join(' or ')}`);
  const secret = key.export();
  const weakness = isKeyMaterial(secret) ? 'contains a key that others may know' : secretWeakness(secret);
  if (weakness !== undefined) throw new Error(`${weakness}. Create one with crypto.randomBytes`);
  return { key, keyId: kid, algorithms: new Set([algorithm]), curve: undefined, bytes };
}

const RSA_AND_CURVES: ReadonlySet<KeyEncryptionAlgorithm> = new Set(['RSA-OAEP', ...RSA_DEFAULTS, ...AGREED_DEFAULTS]);
