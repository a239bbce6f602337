import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from './algorithms.js';
import { parseJson } from '../lib/parse-json.js';
import { parseKeySet } from './key-set.js';

type AnyJwk = Record<string, unknown>;

const RSA = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const EC = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const ED = jwkOf(generateKeyPairSync('ed25519'));
const PRIVATE_EC = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as AnyJwk;
const PRIVATE_RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }) as AnyJwk;

describe('rules 25, 31 and 32: skips an unusable key, with a remark that does not show its contents', () => {
  test.each<[string, unknown, string]>([
    ['null', null, 'is not an object'],
    ['a string', 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A', 'is not an object'],
    ['a number', 7, 'is not an object'],
    ['an array', [EC], 'fits none'],
    ['an empty object', {}, 'fits none'],
    ['a secret (oct)', { kty: 'oct', k: base64url(32), alg: 'HS256' }, 'symmetric'],
    ['a secret whose alg is RS256', { kty: 'oct', k: base64url(256), alg: 'RS256' }, 'symmetric'],
    ['an unknown kty', { ...EC, kty: 'XYZ' }, 'fits none'],
    ['a kty in lowercase', { ...RSA, kty: 'rsa' }, 'fits none'],
    ['a kty that is an array', { ...RSA, kty: ['RSA'] }, 'fits none'],
    ['use enc', { ...RSA, use: 'enc' }, '"use"'],
    ['use SIG', { ...RSA, use: 'SIG' }, '"use"'],
    ['a use that is an array', { ...RSA, use: ['sig'] }, '"use"'],
    ['key_ops without verify', { ...EC, key_ops: ['sign', 'encrypt'] }, '"key_ops"'],
    ['empty key_ops', { ...EC, key_ops: [] }, '"key_ops"'],
    ['key_ops that are a string', { ...EC, key_ops: 'verify' }, '"key_ops"'],
    ['key_ops with verify twice', { ...EC, key_ops: ['verify', 'verify'] }, 'not a list of different strings'],
    ['key_ops with another operation twice', { ...EC, key_ops: ['verify', 'sign', 'sign'] }, 'not a list of different strings'],
    ['key_ops with a number', { ...EC, key_ops: ['verify', 1] }, 'not a list of different strings'],
    ['key_ops with null', { ...EC, key_ops: [null, 'verify'] }, 'not a list of different strings'],
    ['key_ops that are an object', { ...EC, key_ops: { verify: true } }, 'not a list of different strings'],
    ['an issuer that is an object', { ...EC, issuer: { a: 1 } }, '"issuer"'],
    ['an issuer of 2,049 characters', { ...EC, issuer: 'i'.repeat(2049) }, '"issuer"'],
    ['an x that is nested 100,000 deep', { ...EC, x: deep() }, 'not a string'],
    ['an x of a megabyte', { ...ED, x: 'A'.repeat(1_000_000) }, 'too long'],
    ['an n that is nested 100,000 deep', { ...RSA, n: deep() }, 'missing or too large'],
    ['a kid that is nested 100,000 deep', { ...EC, kid: deep() }, '"kid"'],
    ['an alg that is nested 100,000 deep', { ...EC, alg: deep() }, 'fits none'],
    ['a crv that is nested 100,000 deep', { ...EC, crv: deep() }, 'fits none'],
    ['key_ops that are nested 100,000 deep', { ...EC, key_ops: deep() }, 'not a list of different strings'],
    ['a kid that is a number', { ...EC, kid: 1 }, '"kid"'],
    ['a kid of 513 characters', { ...EC, kid: 'k'.repeat(513) }, '"kid"'],
    ['the alg of a cipher', { ...RSA, alg: 'RSA-OAEP-256' }, 'fits none'],
    ['the alg of a MAC', { ...RSA, alg: 'HS256' }, 'fits none'],
    ['alg none', { ...RSA, alg: 'none' }, 'fits none'],
    ['an alg that is an array', { ...RSA, alg: ['RS256'] }, 'fits none'],
    ['the alg of another key type', { ...RSA, alg: 'ES256' }, 'fits none'],
    ['the curve Ed448', jwkOf(generateKeyPairSync('ed448')), 'fits none'],
    ['the curve X25519, which is for key agreement', jwkOf(generateKeyPairSync('x25519')), 'fits none'],
    ['an X25519 key whose alg is EdDSA', { ...jwkOf(generateKeyPairSync('x25519')), alg: 'EdDSA' }, 'fits none'],
    ['an Ed448 key whose alg is EdDSA', { ...jwkOf(generateKeyPairSync('ed448')), alg: 'EdDSA' }, 'fits none'],
    ['an Ed448 key whose crv is Ed25519', { ...jwkOf(generateKeyPairSync('ed448')), crv: 'Ed25519' }, 'cannot be imported'],
    ['a point off the curve', { ...EC, y: flipped(EC['y'] as string) }, 'cannot be imported'],
    ['a point with both coordinates zero', { ...EC, x: zeros(32), y: zeros(32) }, 'cannot be imported'],
    ['a point with a made-up y', { ...EC, x: zeros(32), y: base64url(32) }, 'cannot be imported'],
    ['no y', { ...EC, y: undefined }, 'cannot be imported'],
    ['an x that is a number', { ...EC, x: 1 }, 'not a string'],
    ['an Ed25519 x that is too short', { ...ED, x: base64url(31) }, 'cannot be imported'],
    ['an Ed25519 x that is too long', { ...ED, x: base64url(33) }, 'cannot be imported'],
    ['no n', { ...RSA, n: undefined }, 'missing or too large'],
    ['an empty n', { ...RSA, n: '' }, 'RSA key of'],
    ['an n that is an object', { ...RSA, n: {} }, 'missing or too large'],
    ['no e', { ...RSA, e: undefined }, 'missing or too large'],
  ])('skips %s', (_name, odd, words) => expectSkipped(odd, words));

  test('reports an unusable key as a problem unless it has another use', () => {
    const forAnotherUse = [{ ...RSA, use: 'enc' }, { ...EC, key_ops: [] }, { ...RSA, alg: 'RSA-OAEP' }, jwkOf(generateKeyPairSync('x25519'))];
    const faulty = [null, { kty: 'oct', k: base64url(32) }, { ...EC, kid: 1 }, { ...EC, y: flipped(EC['y'] as string) }, { ...RSA, e: 'Ag' }, PRIVATE_EC];
    const { remarks, problems } = parseKeySet({ keys: [...forAnotherUse, ...faulty, ED] }, ALGORITHMS, 20);
    expect(remarks.map((remark) => remark.split(':')[0])).toEqual(Array.from({ length: 10 }, (_, index) => `keys[${index}]`));
    expect(problems).toEqual(remarks.slice(4));
  });

  test('skips a deeply nested key in a JWKS that is read from text', () => {
    const text = JSON.stringify({
      keys: [
        { ...EC, x: '#' },
        { ...ED, kid: 'good' },
      ],
    }).replace('"#"', `${'{"\\\\":'.repeat(100_000)}1${'}'.repeat(100_000)}`);
    const { keyIds, remarks } = parseKeySet(parseJson(text), ALGORITHMS, 10);
    expect(keyIds).toEqual(['good']);
    expect(remarks).toHaveLength(1);
  });

  test('throws if no usable key remains', () => {
    expect(() => parseKeySet({ keys: [{ ...RSA, use: 'enc' }] }, ALGORITHMS, 10)).toThrow('it contains no usable key (keys[0]: is not for signatures ("use"))');
  });
});

test.each<[string, unknown, string]>([
  ['the alg of another curve', { ...EC, alg: 'ES384' }, 'fits none'],
  ['a crv that does not match the point', { ...EC, crv: 'P-384' }, 'cannot be imported'],
  ['a crv that is the name of a prototype member', { ...EC, crv: 'constructor' }, 'fits none'],
  ['a crv that is __proto__', { ...EC, crv: '__proto__' }, 'fits none'],
  ["a crv with OpenSSL's name", { ...EC, crv: 'prime256v1' }, 'fits none'],
  ['no crv', { ...EC, crv: undefined }, 'fits none'],
  ['the curve secp256k1', jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), 'fits none'],
])('rule 27: skips a key with %s', (_name, odd, words) => expectSkipped(odd, words));

describe('rule 32: reports a private part without showing or using it', () => {
  test.each([
    ['EC', PRIVATE_EC, 'ES256'],
    ['RSA', PRIVATE_RSA, 'RS256'],
  ] as const)('reports the private part of an %s key', (_name, jwk, algorithm) => {
    const set = parseKeySet({ keys: [jwk] }, ALGORITHMS, 10);
    expect(set.remarks).toEqual(['keys[0]: contains its private part. Replace this key at the issuer']);
    expectNothingOf(jwk, set.remarks[0]!);
    for (const { key } of set.candidates(algorithm, undefined)) {
      expect(key.type).toBe('public');
      expect(key.export({ format: 'jwk' })).not.toHaveProperty('d');
    }
  });

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('reports a key that has only the private member %s', (name) => {
    const { remarks } = parseKeySet({ keys: [{ ...RSA, [name]: 'c2VjcmV0IHBhcnQ' }] }, ALGORITHMS, 10);
    expect(remarks).toEqual(['keys[0]: contains its private part. Replace this key at the issuer']);
  });
});

describe('rule 168: null and blank members of a JWK count as absent', () => {
  const members = ['alg', 'use', 'kid', 'key_ops', 'issuer', 'd', 'k'];
  test.each(members)('ignores a null %s', (name) => {
    const set = parseKeySet({ keys: [{ ...EC, [name]: null }] }, ALGORITHMS, 10);
    expect(set).toMatchObject({ size: 1, remarks: [], problems: [], keyIds: [] });
    expect(set.candidates('ES256', undefined)).toHaveLength(1);
  });

  test('ignores all of these members when they are null', () => {
    const nulls = Object.fromEntries(members.map((name) => [name, null]));
    expect(parseKeySet({ keys: [{ ...RSA, ...nulls }] }, ALGORITHMS, 10).candidates('PS512', undefined)).toHaveLength(1);
  });

  test.each(['', ' ', '\t\n'])('ignores an alg or a use of %j', (blank) => {
    for (const name of ['alg', 'use']) {
      expect(parseKeySet({ keys: [{ ...EC, [name]: blank }] }, ALGORITHMS, 10).candidates('ES256', undefined)).toHaveLength(1);
    }
  });

  test.each(['', ' ', '\t\n'])('rule 167: a key whose issuer is %j verifies the tokens of no issuer, and the other keys stay usable', (issuer) => {
    expect(() => parseKeySet({ keys: [{ ...EC, issuer }] }, ALGORITHMS, 10)).toThrow(
      'it contains no usable key (keys[0]: has a blank "issuer", so it verifies the tokens of no issuer)',
    );
    const set = parseKeySet({ keys: [{ ...EC, issuer }, ED] }, ALGORITHMS, 10);
    expect([set.candidates('ES256', undefined), set.candidates('EdDSA', undefined).length, set.problems.length]).toEqual([[], 1, 1]);
    expect(parseKeySet({ keys: [{ ...EC, issuer: null }] }, ALGORITHMS, 10).candidates('ES256', undefined)).toHaveLength(1);
  });

  test.each(['', ' '])('refuses key_ops of %j, which is not a list', (blank) => {
    expect(() => parseKeySet({ keys: [{ ...EC, key_ops: blank }] }, ALGORITHMS, 10)).toThrow('has "key_ops" that are not a list of different strings');
  });

  test('finds a key with a blank kid by that exact kid, or for a token without a kid', () => {
    const set = parseKeySet({ keys: [{ ...EC, kid: '' }, ED] }, ALGORITHMS, 10);
    expect(set.candidates('ES256', undefined)).toHaveLength(1);
    expect(set.candidates('ES256', '')).toHaveLength(1);
    expect(set.candidates('EdDSA', '')).toEqual([]);
    expect(set.candidates('ES256', ' ')).toEqual([]);
    expect(set.keyIds).toEqual([]);
  });
});

function deep(): unknown {
  let value: unknown = 'x';
  for (let depth = 0; depth < 100_000; depth++) value = [value];
  return value;
}

function jwkOf({ publicKey }: { readonly publicKey: KeyObject }): AnyJwk {
  return publicKey.export({ format: 'jwk' });
}

function expectSkipped(odd: unknown, words: string): void {
  const { remarks, size, keyIds } = parseKeySet({ keys: [odd, { ...ED, kid: 'good' }] }, ALGORITHMS, 10);
  expect({ size, keyIds }).toEqual({ size: 1, keyIds: ['good'] });
  expect(remarks).toHaveLength(1);
  expect(remarks[0]).toMatch(/^keys\[0\]: /);
  expect(remarks[0]).toContain(words);
  expectNothingOf(odd, remarks[0]!);
}

function expectNothingOf(odd: unknown, text: string): void {
  const values = typeof odd === 'object' && odd !== null ? Object.values(odd) : [odd];
  for (const value of values) if (typeof value === 'string' && value.length > 8) expect(text).not.toContain(value.slice(0, 9));
}

function base64url(bytes: number): string {
  return asBase64url(randomBytes(bytes));
}

function asBase64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function zeros(bytes: number): string {
  return asBase64url(Buffer.alloc(bytes));
}

function flipped(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  bytes[5] = bytes[5]! ^ 1;
  return asBase64url(bytes);
}
