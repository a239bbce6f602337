import { randomBytes } from 'node:crypto';
import { createResourceGuard, type ConfigurationError, type Algorithm, type Jwk } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isThere = major > 24 || (major === 24 && minor >= 6);
/** FIPS 204 table 2: the bytes of a public key. */
const SIZES = [
  ['ML-DSA-44', 1312],
  ['ML-DSA-65', 1952],
  ['ML-DSA-87', 2592],
] as const;

describe.each(SIZES)(`%s on Node ${process.versions.node}`, (algorithm, bytes) => {
  // what has the shape of such a key: enough where the runtime can't make one
  const shaped: Jwk = { kty: 'AKP', alg: algorithm, kid: 'pq', pub: randomBytes(bytes).toString('base64url') };

  if (isThere) {
    test('is accepted by default, and when it alone is allowed', async () => {
      for (const options of [{}, { algorithms: [algorithm] }]) {
        const { issuer, verdict } = await createScene(options, { algorithm });
        expect(issuer.jwks.keys).toMatchObject([{ kty: 'AKP', alg: algorithm }]);
        expect(await verdict({})).toBe('allow');
        expect(await verdict({ header: { kid: undefined } })).toBe('allow');
      }
    });

    test('rule 20: is what its key says, and a key that does not say it is left out', async () => {
      const { issuer, verdict } = await createScene({}, { algorithm });
      for (const [other] of SIZES) expect(await verdict({ header: { alg: other } })).toBe(other === algorithm ? 'allow' : 'unknown_key');
      const key = asSigningKey(algorithm, await generatePrivateKey(algorithm), 'unnamed', { alg: undefined });
      issuer.publishKey(key);
      expect(await verdict({ key })).toBe('unknown_key');
    });

    test('is refused with another signature, a shorter one, or another key', async () => {
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

    test('is refused where it was not allowed', async () => {
      const { verdict } = await createScene({ algorithms: ['RS256'] });
      expect(await verdict({ algorithm })).toBe('algorithm_not_allowed');
    });

    test('a public key that is cut short is not taken', async () => {
      const key = asSigningKey(algorithm, await generatePrivateKey(algorithm)).publicJwk as unknown as { pub: string };
      expect(problemsOf([algorithm], { ...key, pub: key.pub.slice(0, -8) })).toEqual(['jwks: it contains no usable key (keys[0]: cannot be imported)']);
    });
  } else {
    test('is an error at the start that says which Node has it', () => {
      const words = `lists "${algorithm}", which needs Node 24.6 or newer (this is ${process.versions.node})`;
      expect(problemsOf([algorithm])).toContain(`algorithms: ${words}`);
      expect(problemsOf(['RS256', algorithm])).toEqual([`algorithms: ${words}`]);
    });

    test('leaves out its keys and refuses its tokens, and serves the others', async () => {
      const issuer = await createTestIssuer();
      await issuer.close();
      const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwks: { keys: [...issuer.jwks.keys, shaped] as Jwk[] } });
      expect(verdictOf(await ask(guard, await issuer.issueToken()))).toBe('allow');
      expect(verdictOf(await ask(guard, await issuer.issueToken({ header: { alg: algorithm, kid: 'pq' } })))).toBe('algorithm_not_allowed');
    });
  }

  test('rule 20: needs a key that says so, and no other key fits it', () => {
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
