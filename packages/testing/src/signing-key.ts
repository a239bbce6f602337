import { constants, createHmac, createPublicKey, createSecretKey, generateKeyPair, randomBytes, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Algorithm } from '@tokenward/core';

/** A private key or a shared secret, with its kid. The issuer publishes the public part only, and nothing of a secret. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicJwk;
}

/** A public key as in the issuer's JWKS. node:crypto, jose and the `jwks` option of a guard accept it. */
export interface PublicJwk {
  kty?: string;
  n?: string;
  e?: string;
  crv?: string;
  x?: string;
  y?: string;
  [member: string]: unknown;
}

/** Deviations from the algorithm, for signatures that must be refused. */
export interface SignatureQuirks {
  /** RSASSA-PSS: the length of the salt in bytes. RFC 7518 s3.5 requires the length of the hash. */
  readonly saltLength?: number | undefined;
  /** ECDSA: the encoding of the signature. RFC 7518 s3.4 requires `ieee-p1363`. */
  readonly encoding?: 'ieee-p1363' | 'der' | undefined;
}

const generate = promisify(generateKeyPair);

/** Generates a private key for an algorithm. */
export async function generatePrivateKey(algorithm: Algorithm, { modulusLength = 2048 } = {}): Promise<KeyObject> {
  const { family, curve } = traitsOf(algorithm);
  if (family === 'secret') return createSecretKey(randomBytes(64));
  if (family === 'ed25519') return (await generate('ed25519')).privateKey;
  // the types of Node that this is compiled with do not know it yet
  if (family === 'ml-dsa') return (await generate(algorithm.toLowerCase() as 'ed25519')).privateKey;
  if (family === 'ec') return (await generate('ec', { namedCurve: curve! })).privateKey;
  return (await generate('rsa', { modulusLength })).privateKey;
}

/** Returns a private key as a {@link SigningKey} with a kid and further members of its public JWK. */
export function asSigningKey(
  algorithm: Algorithm,
  privateKey: KeyObject,
  kid: string = newKeyId(algorithm),
  members: Readonly<Record<string, unknown>> = {},
): SigningKey {
  const ofKey = privateKey.type === 'secret' ? {} : createPublicKey(privateKey).export({ format: 'jwk' });
  const publicJwk = { ...ofKey, kid, alg: algorithm, use: 'sig', ...members };
  return { kid, algorithm, privateKey, publicJwk };
}

/** Signs bytes with an algorithm and a key. It does not check whether they fit, so that tests can create invalid signatures. */
export function signBytes(algorithm: Algorithm, privateKey: KeyObject, bytes: Uint8Array, quirks: SignatureQuirks = {}): Buffer {
  const { family, hash, saltLength } = traitsOf(algorithm);
  if (family === 'pss') {
    return sign(hash, bytes, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: quirks.saltLength ?? saltLength! });
  }
  if (family === 'secret') return createHmac(hash!, privateKey).update(bytes).digest();
  if (family === 'ec') return sign(hash, bytes, { key: privateKey, dsaEncoding: quirks.encoding ?? 'ieee-p1363' });
  return sign(hash, bytes, privateKey);
}

function newKeyId(algorithm: Algorithm): string {
  return `${algorithm.toLowerCase()}-${randomBytes(6).toString('hex')}`;
}

interface Traits {
  readonly family: 'rsa' | 'pss' | 'ec' | 'ed25519' | 'ml-dsa' | 'secret';
  readonly hash: string | null;
  readonly curve?: string;
  readonly saltLength?: number;
}

const TRAITS: Readonly<Record<Algorithm, Traits>> = {
  RS256: { family: 'rsa', hash: 'sha256' },
  RS384: { family: 'rsa', hash: 'sha384' },
  RS512: { family: 'rsa', hash: 'sha512' },
  PS256: { family: 'pss', hash: 'sha256', saltLength: 32 },
  PS384: { family: 'pss', hash: 'sha384', saltLength: 48 },
  PS512: { family: 'pss', hash: 'sha512', saltLength: 64 },
  ES256: { family: 'ec', hash: 'sha256', curve: 'P-256' },
  ES384: { family: 'ec', hash: 'sha384', curve: 'P-384' },
  ES512: { family: 'ec', hash: 'sha512', curve: 'P-521' },
  EdDSA: { family: 'ed25519', hash: null },
  Ed25519: { family: 'ed25519', hash: null },
  'ML-DSA-44': { family: 'ml-dsa', hash: null },
  'ML-DSA-65': { family: 'ml-dsa', hash: null },
  'ML-DSA-87': { family: 'ml-dsa', hash: null },
  HS256: { family: 'secret', hash: 'sha256' },
  HS384: { family: 'secret', hash: 'sha384' },
  HS512: { family: 'secret', hash: 'sha512' },
};

function traitsOf(algorithm: Algorithm): Traits {
  if (!Object.hasOwn(TRAITS, algorithm)) throw new TypeError(`no key for the algorithm "${algorithm}". Use one of ${Object.keys(TRAITS).join(', ')}`);
  return TRAITS[algorithm];
}
