import { createPublicKey, generateKeyPair, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { rsaKeyOf } from './rsa-key.mjs';

const bytes = Buffer.from('signed');

test('makes a 2048-bit key from two primes, and only its own public key verifies its signatures', () => {
  const [p, q, r] = inject('rsaPrimes');
  const [key, other] = [rsaKeyOf(p, q), rsaKeyOf(p, r)];
  expect(key.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65_537n });
  const signature = sign('sha256', bytes, key);
  expect(verify('sha256', bytes, createPublicKey(key), signature)).toBe(true);
  expect(verify('sha256', bytes, createPublicKey(other), signature)).toBe(false);
});

test('generateKeyPair gives different 2048-bit keys, and still generates other kinds of keys', async () => {
  const generate = promisify(generateKeyPair);
  const primes = inject('rsaPrimes').length;
  const keys = await Promise.all(Array.from({ length: (primes * (primes - 1)) / 2 + 2 }, () => generate('rsa', { modulusLength: 2048 })));
  expect(new Set(keys.map(({ publicKey }) => publicKey.export({ format: 'jwk' }).n)).size).toBe(keys.length);
  expect((await generate('rsa', { modulusLength: 1024 })).privateKey.asymmetricKeyDetails.modulusLength).toBe(1024);
  expect((await generate('ed25519')).privateKey.asymmetricKeyType).toBe('ed25519');
});
