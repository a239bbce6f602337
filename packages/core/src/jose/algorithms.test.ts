import { constants, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ALGORITHMS,
  hasPostQuantum,
  isSameAlgorithm,
  MAC_ALGORITHMS,
  POST_QUANTUM_ALGORITHMS,
  publicKeyAlgorithms,
  TRAITS,
  type AlgorithmTraits,
} from './algorithms.js';

test('rule 26: EdDSA and Ed25519 are the only two names of one algorithm', () => {
  const names = [...ALGORITHMS, 'EdDSA', 'Ed25519', '', 'eddsa', 'Ed448', undefined];
  for (const one of names) {
    for (const other of ALGORITHMS) {
      const areBoth = [one, other].every((name) => name === 'EdDSA' || name === 'Ed25519');
      expect(isSameAlgorithm(one, other)).toBe(one === other || areBoth);
    }
  }
});

const pss = (saltLength: number) => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

/** RFC 7518 s3.1, RFC 8037 s3.1, RFC 9864 s2.2, FIPS 204 table 2. */
const PUBLISHED: Readonly<Record<string, AlgorithmTraits>> = {
  RS256: { keyType: 'rsa', hash: 'sha256' },
  RS384: { keyType: 'rsa', hash: 'sha384' },
  RS512: { keyType: 'rsa', hash: 'sha512' },
  PS256: { keyType: 'rsa', hash: 'sha256', padding: pss(32) },
  PS384: { keyType: 'rsa', hash: 'sha384', padding: pss(48) },
  PS512: { keyType: 'rsa', hash: 'sha512', padding: pss(64) },
  ES256: { keyType: 'ec', hash: 'sha256', curve: 'prime256v1', signatureLength: 64 },
  ES384: { keyType: 'ec', hash: 'sha384', curve: 'secp384r1', signatureLength: 96 },
  ES512: { keyType: 'ec', hash: 'sha512', curve: 'secp521r1', signatureLength: 132 },
  EdDSA: { keyType: 'ed25519', hash: null, signatureLength: 64 },
  Ed25519: { keyType: 'ed25519', hash: null, signatureLength: 64 },
  'ML-DSA-44': { keyType: 'ml-dsa', hash: null, signatureLength: 2420 },
  'ML-DSA-65': { keyType: 'ml-dsa', hash: null, signatureLength: 3309 },
  'ML-DSA-87': { keyType: 'ml-dsa', hash: null, signatureLength: 4627 },
  HS256: { keyType: 'secret', hash: 'sha256', signatureLength: 32 },
  HS384: { keyType: 'secret', hash: 'sha384', signatureLength: 48 },
  HS512: { keyType: 'secret', hash: 'sha512', signatureLength: 64 },
};

test('rules 20, 26 and 27: each algorithm has the published key type, hash, curve, salt length and signature length', () => {
  expect(Object.fromEntries(TRAITS)).toStrictEqual(PUBLISHED);
});

test('rule 21: supports exactly the published algorithms', () => {
  expect([...ALGORITHMS, ...POST_QUANTUM_ALGORITHMS, ...MAC_ALGORITHMS].sort()).toEqual(Object.keys(PUBLISHED).sort());
});

test('rule 22: public keys work with every algorithm but HMAC, and with ML-DSA if the runtime supports it', () => {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  expect(hasPostQuantum()).toBe(major > 24 || (major === 24 && minor >= 6));
  expect(publicKeyAlgorithms()).toEqual(hasPostQuantum() ? [...ALGORITHMS, ...POST_QUANTUM_ALGORITHMS] : [...ALGORITHMS]);
});

describe.runIf(hasPostQuantum())('ML-DSA in the runtime', () => {
  test.each(POST_QUANTUM_ALGORITHMS)('%s: a signature has the published length and verifies', (algorithm) => {
    const { privateKey, publicKey } = generateKeyPairSync(algorithm.toLowerCase() as 'ed25519');
    const data = Buffer.from('e30.e30');
    const signature = sign(null, data, privateKey);
    expect(signature).toHaveLength(TRAITS.get(algorithm)!.signatureLength!);
    expect(verify(TRAITS.get(algorithm)!.hash, data, publicKey, signature)).toBe(true);
  });
});
