import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createResourceGuard, type ConfigurationError, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { createKeyFile, newKey, pemOf } from './key-files.js';

const issuer = await createTestIssuer();
await issuer.close();
const [old, young] = [await newKey('old'), await newKey('young')];

describe.each(['jwks', 'jwksFile'] as const)('PEM as %s', (option) => {
  const given = (text: string): GuardOptions => (option === 'jwks' ? { jwks: text } : { jwksFile: createKeyFile(text).path });

  test.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const)(
    'verifies %s tokens with a public key, whatever kid they name',
    async (algorithm) => {
      const key = asSigningKey(algorithm, await generatePrivateKey(algorithm));
      const guard = guardOf(given(pemOf(key)));
      const tokens = await Promise.all([{}, { kid: undefined }, { kid: 'other' }].map((header) => issuer.issueToken({ key, header })));
      expect(await verdicts(guard, ...tokens)).toEqual(['allow', 'allow', 'allow']);
      expect(await verdicts(guard, await issuer.issueToken({ key: asSigningKey(algorithm, await generatePrivateKey(algorithm), key.kid) }))).toEqual([
        'bad_signature',
      ]);
    },
  );

  test('reads several keys with other text around them', async () => {
    const guard = guardOf(given(`# of the login server\r\n${pemOf(old).replaceAll('\n', '\r\n')}\n\n# the next one\n${pemOf(young)}`));
    const tokens = await Promise.all([old, young, await newKey('x')].map((key) => issuer.issueToken({ key })));
    expect(await verdicts(guard, ...tokens)).toEqual(['allow', 'allow', 'bad_signature']);
  });

  test('tries every key, and throws at start-up for more than four keys per algorithm', async () => {
    const five = await Promise.all(['1', '2', '3', '4', '5'].map((kid) => newKey(kid)));
    const others = await Promise.all((['RS256', 'EdDSA'] as const).map(async (algorithm) => asSigningKey(algorithm, await generatePrivateKey(algorithm))));
    const keys = [...five.slice(0, 4), ...others];
    const guard = guardOf(given(keys.map(pemOf).join('')));
    const tokens = await Promise.all(keys.map((key) => issuer.issueToken({ key })));
    expect(await verdicts(guard, ...tokens)).toEqual(keys.map(() => 'allow'));
    expect(errorOf(given([...others, ...five].map(pemOf).join('')))?.problems).toEqual([
      {
        path: option,
        message: expect.stringMatching(/it contains 5 keys for ES256 in PEM, more than 4\. Use a JWKS, in which keys have ids$/),
      },
    ]);
  });

  test('reads the key of a certificate, and refuses a private key', async () => {
    const read = (name: string): string => readFileSync(new URL(`self-signed/${name}.pem`, import.meta.url), 'utf8');
    const privateKey = createPrivateKey(read('key'));
    const algorithm = privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    const guard = guardOf(given(read('cert')));
    expect(await verdicts(guard, await issuer.issueToken({ key: asSigningKey(algorithm, privateKey) }))).toEqual(['allow']);
    expect(errorOf(given(read('key')))?.problems).toEqual([{ path: option, message: expect.stringMatching(/it contains a private key/) }]);
  });
});

async function verdicts(guard: ResourceGuard, ...tokens: string[]): Promise<string[]> {
  const found = [];
  for (const token of tokens) found.push(verdictOf(await ask(guard, token)));
  return found;
}

function guardOf(options: GuardOptions): ResourceGuard {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

function errorOf(options: GuardOptions): ConfigurationError | undefined {
  return configurationErrorOf(() => guardOf(options));
}
