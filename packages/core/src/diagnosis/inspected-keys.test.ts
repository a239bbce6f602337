import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { inspectKeys } from './inspected-keys.js';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });

test('says of each key what it verifies, or why it is skipped', () => {
  const keys = inspectKeys({
    keys: [{ ...ec, kid: 'a', alg: 'ES256' }, { ...weak, kid: 'b' }, { ...ec, kid: 'c', use: 'enc' }, { kty: 'oct', k: 'c2VjcmV0' }, 7],
  })!;
  expect(keys.map(({ kind, algorithms, skipped, isMistake }) => ({ kind, algorithms, skipped, isMistake }))).toEqual([
    { kind: 'EC P-256', algorithms: ['ES256'], skipped: undefined, isMistake: false },
    { kind: 'RSA', algorithms: [], skipped: expect.stringContaining('1024 bits, fewer than 2048') as string, isMistake: true },
    { kind: 'EC P-256', algorithms: [], skipped: 'is not for signatures ("use")', isMistake: false },
    { kind: 'oct', algorithms: [], skipped: 'is a symmetric key, which must not be published', isMistake: true },
    { kind: 'unknown', algorithms: [], skipped: 'is not an object', isMistake: true },
  ]);
});

test('finds keys that share a kid, and shows no kid that is not printable', () => {
  const keys = inspectKeys({
    keys: [
      { ...ec, kid: 'same' },
      { ...other, kid: 'same' },
      { ...other, kid: 'a\u001b[31m' },
    ],
  })!;
  expect(keys.map(({ sameKeyId }) => sameKeyId)).toEqual([[1], [0], []]);
  expect(keys[2]!.keyId).toBe('a [31m');
});

test('returns undefined for what is not a JWKS', () => {
  for (const document of [undefined, null, [], 'x', { keys: {} }]) expect(inspectKeys(document)).toBeUndefined();
});

test('keys of a trust bundle count for JWT-SVIDs', () => {
  const document = {
    keys: [
      { ...ec, kid: 'a', use: 'jwt-svid' },
      { ...other, kid: 'b', use: 'x509-svid' },
    ],
  };
  expect(inspectKeys(document, undefined, 'jwt-svid')!.map(({ algorithms }) => algorithms)).toEqual([['ES256'], []]);
  expect(inspectKeys(document)!.map(({ algorithms }) => algorithms)).toEqual([[], []]);
});
