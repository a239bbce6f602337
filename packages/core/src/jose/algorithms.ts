import { constants, generateKeyPairSync } from 'node:crypto';
import { pssWay, type PssParameters } from './pss.js';

/** The signature algorithms of tokens, with public keys (RFC 7518 s3.1, RFC 8037, RFC 9864, draft-ietf-cose-dilithium) or with shared secrets. */
export type Algorithm = (typeof ALGORITHMS)[number] | PostQuantumAlgorithm | MacAlgorithm;
export type MacAlgorithm = (typeof MAC_ALGORITHMS)[number];
type PostQuantumAlgorithm = (typeof POST_QUANTUM_ALGORITHMS)[number];

export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;
export const MAC_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;
/** Node has them since 24.6. */
export const POST_QUANTUM_ALGORITHMS = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const;

let knowsPostQuantum: boolean | undefined;

/** Whether this runtime can verify ML-DSA signatures. */
export function hasPostQuantum(): boolean {
  return (knowsPostQuantum ??= canMakeMlDsaKeys());
}

function canMakeMlDsaKeys(): boolean {
  try {
    generateKeyPairSync('ml-dsa-44' as 'ed25519');
    return true;
  } catch {
    return false;
  }
}

/** Returns all algorithms with public keys that this runtime supports. */
export function publicKeyAlgorithms(): readonly Algorithm[] {
  const hasPss = pssWay() !== undefined;
  const names: readonly Algorithm[] = hasPss ? ALGORITHMS : ALGORITHMS.filter((name) => !name.startsWith('PS'));
  return hasPostQuantum() ? [...names, ...POST_QUANTUM_ALGORITHMS] : names;
}

/** Returns why an algorithm cannot be used, in words that follow its name. */
export function unsupported(name: string): string {
  return (ALGORITHMS as readonly string[]).includes(name) ? 'which this runtime cannot verify' : 'which is not supported';
}

/** Whether two names mean the same algorithm. EdDSA and Ed25519 do here (RFC 9864). */
export function isSameAlgorithm(given: unknown, name: string): boolean {
  return given === name || (given === 'EdDSA' && name === 'Ed25519') || (given === 'Ed25519' && name === 'EdDSA');
}

/** How node:crypto verifies an algorithm's signatures, and which keys fit the algorithm. */
export interface AlgorithmTraits {
  readonly hash: string | null;
  readonly keyType: 'rsa' | 'ec' | 'ed25519' | 'ml-dsa' | 'secret';
  /** The only curve that fits, by OpenSSL's name. */
  readonly curve?: string;
  /** In bytes. undefined for RSA, where it depends on the key. */
  readonly signatureLength?: number;
  readonly padding?: PssParameters;
}

const rsa = (hash: string): AlgorithmTraits => ({ hash, keyType: 'rsa' });
const pss = (hash: string, saltLength: number): AlgorithmTraits => ({
  hash,
  keyType: 'rsa',
  padding: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
});
const ecdsa = (hash: string, curve: string, signatureLength: number): AlgorithmTraits => ({ hash, keyType: 'ec', curve, signatureLength });
const mlDsa = (signatureLength: number): AlgorithmTraits => ({ hash: null, keyType: 'ml-dsa', signatureLength });
const mac = (hash: string, signatureLength: number): AlgorithmTraits => ({ hash, keyType: 'secret', signatureLength });
const ed25519: AlgorithmTraits = { hash: null, keyType: 'ed25519', signatureLength: 64 };

export const TRAITS: ReadonlyMap<string, AlgorithmTraits> = new Map<Algorithm, AlgorithmTraits>([
  ['RS256', rsa('sha256')],
  ['RS384', rsa('sha384')],
  ['RS512', rsa('sha512')],
  // RFC 7518 s3.5: the salt is as long as the hash, MGF1 uses the same hash
  ['PS256', pss('sha256', 32)],
  ['PS384', pss('sha384', 48)],
  ['PS512', pss('sha512', 64)],
  ['ES256', ecdsa('sha256', 'prime256v1', 64)],
  ['ES384', ecdsa('sha384', 'secp384r1', 96)],
  ['ES512', ecdsa('sha512', 'secp521r1', 132)],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
  // FIPS 204 table 2
  ['ML-DSA-44', mlDsa(2420)],
  ['ML-DSA-65', mlDsa(3309)],
  ['ML-DSA-87', mlDsa(4627)],
  // RFC 7518 s3.2: as long as the hash
  ['HS256', mac('sha256', 32)],
  ['HS384', mac('sha384', 48)],
  ['HS512', mac('sha512', 64)],
]);
