import { randomBytes } from 'node:crypto';
import { createResourceGuard, type ConfigurationError, type Algorithm, type Jwk } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isSupported = major > 24 || (major === 24 && minor >= 6);
/** FIPS 204 table 2: the bytes of a public key. */
const SIZES = [
  ['ML-DSA-44', 1312],
  ['ML-DSA-65', 1952],
  ['ML-DSA-87', 2592],
] as const;

describe.each(SIZES)(`%s on Node ${process.versions.node}`, (algorithm, bytes) => {
  // has the shape of such a key, for runtimes that cannot create one
  const shaped: Jwk = { kty: 'AKP', alg: algorithm, kid: 'pq', pub: randomBytes(bytes).toString('base64url') };

  if (isSupported) {
    test('accepts its tokens by default, and if it is the only allowed algorithm', async () => {
      for (const options of [{}, { algorithms: [algorithm] }]) {
        const { issuer, verdict } = await createScene(options, { algorithm });
        expect(issuer.jwks.keys).toMatchObject([{ kty: 'AKP', alg: algorithm }]);
        expect(await verdict({})).toBe('allow');
        expect(await verdict({ header: { kid: undefined } })).toBe('allow');
      }
    });

    test('rule 20: uses a key only for the alg that it names, and skips a key without alg', async () => {
      const { issuer, verdict } = await createScene({}, { algorithm });
      for (const [other] of SIZES) expect(await verdict({ header: { alg: other } })).toBe(other === algorithm ? 'allow' : 'unknown_key');
      const key = asSigningKey(algorithm, await generatePrivateKey(algorithm), 'unnamed', { alg: undefined });
      issuer.publishKey(key);
      expect(await verdict({ key })).toBe('unknown_key');
    });

    test('refuses a token with a changed or shorter signature, or one signed with another key', async () => {
      const { issuer, verdict } = await createScene({}, { algorithm });
      const [header, payload, signature] = (await issuer.issueToken()).split('.') as [string, string, string];
      const raw = Buffer.from(signature, 'base64url');
      raw[100]! ^= 1;
      for (const other of [raw, raw.subarray(1), Buffer.alloc(raw.length), Buffer.alloc(64)]) {
        expect(await verdict(`${header}.${payload}.${other.toString('base64url')}`)).toBe('bad_signature');
      }
      const stranger = asSigningKey(algorithm, await generatePrivateKey(algorithm), (await issuer.signingKey()).kid);
      expect(await verdict({ key: stranger })).toBe('bad_signature');
    });

    test('refuses its tokens if it is not allowed', async () => {
      const { verdict } = await createScene({ algorithms: ['RS256'] });
      expect(await verdict({ algorithm })).toBe('algorithm_not_allowed');
    });

    test('does not import a truncated public key', async () => {
      const key = asSigningKey(algorithm, await generatePrivateKey(algorithm)).publicJwk as unknown as { pub: string };
      expect(problemsOf([algorithm], { ...key, pub: key.pub.slice(0, -8) })).toEqual(['jwks: it contains no usable key (keys[0]: cannot be imported)']);
    });
  } else {
    test('throws at start-up, and names the Node version that supports it', () => {
      const words = `lists "${algorithm}", which needs Node 24.6 or newer (this is ${process.versions.node})`;
      expect(problemsOf([algorithm])).toContain(`algorithms: ${words}`);
      expect(problemsOf(['RS256', algorithm])).toEqual([`algorithms: ${words}`]);
    });

    test('skips its keys, refuses its tokens, and accepts tokens of another algorithm', async () => {
      const issuer = await createTestIssuer();
      await issuer.close();
      const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwks: { keys: [...issuer.jwks.keys, shaped] as Jwk[] } });
      expect(verdictOf(await ask(guard, await issuer.issueToken()))).toBe('allow');
      expect(verdictOf(await ask(guard, await issuer.issueToken({ header: { alg: algorithm, kid: 'pq' } })))).toBe('algorithm_not_allowed');
    });
  }

  test('rule 20: does not use its keys for RS256', () => {
    expect(problemsOf(['RS256'], shaped)).toEqual(['jwks: it contains no usable key (keys[0]: fits none of the allowed algorithms)']);
  });
});

function problemsOf(algorithms: Algorithm[], key?: Jwk): string[] {
  try {
    createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', algorithms, jwks: key && { keys: [key] } });
    return [];
  } catch (error) {
    return (error as ConfigurationError).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}
