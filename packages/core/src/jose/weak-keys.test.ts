import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseKeySet } from './key-set.js';
import { weaknessOf } from './weak-keys.js';

/** Of Wycheproof's `json_web_key_test.json` (Apache-2.0, C2SP), test 7: rejectsKeyWithRocaVulnerability. */
const ROCA = {
  kty: 'RSA',
  e: 'AQAB',
  n: 'AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE',
};

test('rule 167: skips and reports an RSA key with the ROCA weakness', () => {
  const good = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const { size, problems } = parseKeySet({ keys: [ROCA, good] }, ['RS256', 'ES256'], 10);
  expect(size).toBe(1);
  expect(problems).toEqual([expect.stringMatching(/^keys\[0\]: is an RSA key whose private part can be computed from it \(ROCA/)]);
});

test('rule 167: finds no ROCA weakness in a slightly different modulus or in keys that OpenSSL generates', () => {
  const modulus = BigInt(`0x${Buffer.from(ROCA.n, 'base64url').toString('hex')}`);
  for (const difference of [2n, 4n, 6n, 2n ** 64n]) {
    const hex = (modulus + difference).toString(16);
    const n = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex').toString('base64url');
    expect(weaknessOf(createPublicKey({ key: { ...ROCA, n }, format: 'jwk' }))).toBeUndefined();
  }
  for (let made = 0; made < 5; made++) expect(weaknessOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)).toBeUndefined();
});
