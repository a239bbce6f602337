import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, test } from 'vitest';
import { importEmbeddedKey, readEmbeddedKey, type EmbeddedKey } from './embedded-key.js';

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
const p256 = ec('P-256');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });

test.each<[string, JsonWebKey]>([
  ['ES256', p256],
  ['ES384', ec('P-384')],
  ['ES512', ec('P-521')],
  ['EdDSA', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
  ['RS256', rsa],
])('rule 87: the thumbprint of a key for %s is that of RFC 7638, whatever else the jwk has', async (algorithm, jwk) => {
  const expected = await calculateJwkThumbprint(jwk);
  for (const given of [jwk, { kid: 'k', use: 'sig', alg: algorithm, key_ops: ['verify'], ext: true, ...jwk }]) {
    const key = readEmbeddedKey(given, algorithm) as EmbeddedKey;
    expect(key.thumbprint).toBe(expected);
    expect(importEmbeddedKey(key, algorithm)).toMatchObject({ signatureLength: expect.any(Number) });
  }
});

test('rule 87: the thumbprint of the example in RFC 7638 s3.1', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
  expect(readEmbeddedKey({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }, 'RS256')).toMatchObject({
    thumbprint: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  });
});

describe('rule 82: one key has one spelling', () => {
  test.each<[string, object, string]>([
    ['padding', { ...p256, x: `${p256.x!}=` }, 'ES256'],
    ['the standard alphabet', { ...p256, x: p256.x!.slice(0, -1).replace(/.$/, '+') + p256.x!.at(-1)! }, 'ES256'],
    ['spare bits', { ...p256, y: `${p256.y!.slice(0, -1)}B` }, 'ES256'],
    ['a leading zero byte', { ...p256, x: `AA${p256.x!}` }, 'ES256'],
    ['a coordinate that is a list', { ...p256, x: [p256.x] }, 'ES256'],
    ['a modulus with a leading zero byte', { ...rsa, n: Buffer.concat([Buffer.alloc(1), Buffer.from(rsa.n!, 'base64url')]).toString('base64url') }, 'RS256'],
    ['an exponent with leading zero bytes', { ...rsa, e: 'AAEAAQ' }, 'RS256'],
    ['a huge modulus', { ...rsa, n: 'Z'.repeat(1368) }, 'RS256'],
    ['a huge exponent', { ...rsa, e: 'AQABAQABAQAB' }, 'RS256'],
    ['no modulus', { ...rsa, n: undefined }, 'RS256'],
    ['no exponent', { ...rsa, e: null }, 'RS256'],
  ])('refuses %s', (_name, jwk, algorithm) => {
    expect(readEmbeddedKey(jwk, algorithm)).toBe('has a member that is missing or malformed');
  });
});

test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])('rule 82: refuses a key with the private member %s, whatever its value', (name) => {
  for (const value of [p256.x, '', 0, false, []]) expect(readEmbeddedKey({ ...p256, [name]: value }, 'ES256')).toBe('contains a private key');
});

describe('rule 168: null members count as absent, and so do a blank alg and use', () => {
  const names = ['alg', 'use', 'kid', 'key_ops', 'ext', 'x5c', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv', 'n', 'e', 'pub'];
  const expected = readEmbeddedKey(p256, 'ES256');

  test.each(names)('a null %s', (name) => {
    expect(readEmbeddedKey({ ...p256, [name]: null }, 'ES256')).toEqual(expected);
  });

  test('all of them at once, as a library writes that knows all members', () => {
    expect(readEmbeddedKey({ ...Object.fromEntries(names.map((name) => [name, null])), ...p256 }, 'ES256')).toEqual(expected);
  });

  test.each(['alg', 'use'])('a blank %s', (name) => {
    for (const blank of ['', ' ', '\t\n']) expect(readEmbeddedKey({ ...p256, [name]: blank }, 'ES256')).toEqual(expected);
  });

  test.each(['kty', 'crv', 'x', 'y'])('a null %s leaves no key', (name) => {
    expect(readEmbeddedKey({ ...p256, [name]: null }, 'ES256')).toBeTypeOf('string');
  });

  test.each([
    ['alg', 'RS256', 'is for another alg'],
    ['use', 'enc', 'is not for signatures ("use")'],
  ])('a %s of %s still counts', (name, value, problem) => {
    expect(readEmbeddedKey({ ...p256, [name]: value }, 'ES256')).toBe(problem);
  });
});

test('rule 13: reads only own members', () => {
  expect(readEmbeddedKey(Object.create(p256), 'ES256')).toBeTypeOf('string');
});
