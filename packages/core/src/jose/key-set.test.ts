import { createHash, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, type Algorithm } from './algorithms.js';
import { parseKeySet, type KeySet } from './key-set.js';

type AnyJwk = Record<string, unknown>;

const RSA = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const EC = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const ED = jwkOf(generateKeyPairSync('ed25519'));

describe('rules 20 and 31: the members of a JWK decide its algorithms', () => {
  test.each<[string, AnyJwk, readonly Algorithm[]]>([
    ['an RSA key without alg has all RSA algorithms', RSA, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['an RSA key with alg has only that algorithm', { ...RSA, alg: 'PS384' }, ['PS384']],
    ['a P-256 key has ES256', EC, ['ES256']],
    ['a P-384 key has ES384', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' })), ['ES384']],
    ['a P-521 key has ES512', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-521' })), ['ES512']],
    ['an Ed25519 key has EdDSA and Ed25519', ED, ['EdDSA', 'Ed25519']],
    ['an Ed25519 key with alg EdDSA has EdDSA and Ed25519', { ...ED, alg: 'EdDSA' }, ['EdDSA', 'Ed25519']],
    ['an Ed25519 key with alg Ed25519 has EdDSA and Ed25519', { ...ED, alg: 'Ed25519' }, ['EdDSA', 'Ed25519']],
    ['a P-256 key with use sig and key_ops with verify has ES256', { ...EC, use: 'sig', key_ops: ['verify', 'x'] }, ['ES256']],
  ])('%s', (_name, jwk, expected) => {
    const set = parseKeySet({ keys: [{ ...jwk, kid: 'k-1' }] }, ALGORITHMS, 1);
    const names = [...ALGORITHMS, 'none', 'HS256', 'HS384', 'HS512', '', 'rs256', '__proto__', 'constructor'];
    expect(names.filter((name) => set.candidates(name, 'k-1').length > 0)).toEqual(expected);
    expect(names.filter((name) => set.candidates(name, undefined).length > 0)).toEqual(expected);
  });

  test('uses a key only for allowed algorithms', () => {
    const set = parseKeySet({ keys: [RSA] }, ['RS256', 'ES256'], 1);
    expect(ALGORITHMS.filter((name) => set.candidates(name, undefined).length > 0)).toEqual(['RS256']);
    expect(() => parseKeySet({ keys: [RSA] }, ['ES256', 'EdDSA'], 1)).toThrow('fits none of the allowed algorithms');
  });
});

describe('rule 29: a kid is looked up by its exact text', () => {
  test.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '0',
    '',
    ' k-1',
    'K-1',
    'k-1\0',
    '../../dev/null',
    "' OR 1=1 --",
    'https://evil.example/jwks',
  ])('the kid %j finds no key', (keyId) => {
    const set = parseKeySet({ keys: [{ ...EC, kid: 'k-1' }, ED] }, ALGORITHMS, 10);
    for (const algorithm of ALGORITHMS) expect(set.candidates(algorithm, keyId)).toEqual([]);
    expect(set.candidates('ES256', 'k-1')).toHaveLength(1);
  });

  test('finds a key whose kid is __proto__', () => {
    const set = parseKeySet({ keys: JSON.parse(`[${JSON.stringify({ ...EC, kid: '__proto__' })}]`) as unknown[] }, ALGORITHMS, 10);
    expect(set.keyIds).toEqual(['__proto__']);
    expect(set.candidates('ES256', '__proto__')).toHaveLength(1);
    expect(set.candidates('ES256', 'constructor')).toEqual([]);
  });
});

test('rule 29: finds the keys of each kid and algorithm, whatever was looked up before', () => {
  const set = parseKeySet({ keys: [{ ...RSA, kid: 'a' }, { ...EC, kid: 'b' }, { ...ED }] }, ALGORITHMS, 10);
  const wanted = [
    ['RS256', 'a', RSA],
    ['PS256', 'a', RSA],
    ['ES256', 'b', EC],
    ['RS256', undefined, RSA],
    ['EdDSA', undefined, ED],
    ['RS256', 'b', undefined],
    ['ES256', 'a', undefined],
    ['EdDSA', 'a', undefined],
  ] as const;
  for (const [firstAlgorithm, firstKeyId] of wanted) {
    for (const [algorithm, keyId, key] of wanted) {
      set.candidates(firstAlgorithm, firstKeyId);
      expect(thumbprints(set, algorithm, keyId)).toEqual(key ? [thumbprint(key)] : []);
    }
  }
});

describe('rule 30: several keys can share a kid or have none', () => {
  test('returns at most four of them as candidates', () => {
    for (const kid of ['shared', undefined]) {
      const keys = Array.from({ length: 6 }, () => ({ ...jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })), kid }));
      const found = (count: number) => thumbprints(parseKeySet({ keys: keys.slice(0, count) }, ALGORITHMS, 10), 'ES256', kid);
      expect(found(1)).toEqual(keys.slice(0, 1).map(thumbprint));
      expect(found(4)).toEqual(keys.slice(0, 4).map(thumbprint));
      expect(found(6)).toEqual(keys.slice(0, 4).map(thumbprint));
      expect(parseKeySet({ keys: keys.slice(0, 4) }, ALGORITHMS, 10).remarks).toEqual([]);
      expect(parseKeySet({ keys: keys.slice(0, 5) }, ALGORITHMS, 10).remarks).toEqual([expect.stringContaining('more than 4 keys are for ES256')]);
    }
  });

  test('separates them by algorithm, so that many EC keys do not hide an RSA key', () => {
    for (const kid of ['shared', undefined]) {
      const many = Array.from({ length: 5 }, () => ({ ...jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })), kid }));
      const set = parseKeySet({ keys: [...many, { ...RSA, kid }, { ...ED, kid }] }, ALGORITHMS, 10);
      expect(thumbprints(set, 'RS256', kid)).toEqual([thumbprint(RSA)]);
      expect(thumbprints(set, 'EdDSA', kid)).toEqual([thumbprint(ED)]);
    }
  });

  test('a token without a kid can match a key with one, and a token with a kid matches only that kid', () => {
    const set = parseKeySet({ keys: [{ ...EC, kid: 'k-1' }, { ...ED }] }, ALGORITHMS, 10);
    expect(set.candidates('ES256', undefined)).toHaveLength(1);
    expect(set.candidates('EdDSA', 'k-1')).toEqual([]);
    expect(set.keyIds).toEqual(['k-1']);
  });
});

describe('rule 57: refuses a document without a usable JWKS', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a string', 'keys'],
    ['an array', [EC]],
    ['a key by itself', EC],
    ['keys that are an object', { keys: { 0: EC } }],
    ['keys that are a string', { keys: 'keys' }],
  ])('refuses %s', (_name, document) => {
    expect(() => parseKeySet(document, ALGORITHMS, 10)).toThrow('it is not a JWKS');
  });

  test('refuses an empty set', () => {
    expect(() => parseKeySet({ keys: [] }, ALGORITHMS, 10)).toThrow('it contains no usable key');
  });

  test('rule 56: refuses a set with more keys than allowed', () => {
    expect(() => parseKeySet({ keys: Array.from({ length: 11 }, () => ED) }, ALGORITHMS, 10)).toThrow('it contains 11 keys, more than the 10 allowed');
    expect(parseKeySet({ keys: Array.from({ length: 10 }, () => ED) }, ALGORITHMS, 10).size).toBe(10);
  });
});

test('a prepared key verifies a signature of its private key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const data = Buffer.from('data');
  const [pkcs1] = parseKeySet({ keys: [publicKey.export({ format: 'jwk' })] }, ALGORITHMS, 1).candidates('RS512', undefined);
  expect(verify(pkcs1!.hash, data, pkcs1!.key, sign('sha512', data, privateKey))).toBe(true);
});

function jwkOf({ publicKey }: { readonly publicKey: KeyObject }): AnyJwk {
  return publicKey.export({ format: 'jwk' });
}

function thumbprints(set: KeySet, algorithm: Algorithm, keyId: string | undefined): string[] {
  return set.candidates(algorithm, keyId).map(({ key }) => thumbprint(key.export({ format: 'jwk' }) as AnyJwk));
}

function thumbprint({ kty, crv, x, y, n, e }: AnyJwk): string {
  return createHash('sha256')
    .update(JSON.stringify([kty, crv, x, y, n, e]))
    .digest('hex');
}
