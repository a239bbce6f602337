import { createVerify, generateKeyPairSync, verify } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { TRAITS } from './jose/algorithms.js';
import { importEmbeddedKey, readEmbeddedKey, type EmbeddedKey } from './jose/embedded-key.js';
import { prepare } from './jose/key-set.js';
import { parseOptions, type GuardOptions } from './options.js';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, verify: vi.fn() as never, createVerify: vi.fn() };
});

beforeEach(() => {
  vi.mocked(verify).mockImplementation(() => false);
  vi.mocked(createVerify).mockImplementation(() => {
    throw new Error('not implemented');
  });
});

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = publicKey.export({ format: 'jwk' });
const OPTIONS: GuardOptions = { issuer: 'https://login.example.com', audience: 'https://api.example.com', jwks: { keys: [jwk] } };
const PSS = /^PS/;

describe('rule 228: on a runtime that cannot verify PSS signatures', () => {
  test('proofs with them are not among the defaults, which challenges and metadata announce', () => {
    expect(parseOptions(OPTIONS).dpop!.algorithms).toEqual(['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'RS256']);
  });

  test('the profile fapi2 leaves them out, for tokens and for proofs', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const { issuers, dpop } = parseOptions({ ...OPTIONS, profile: 'fapi2', jwks: { keys: [ec] } });
    expect([...issuers.only!.algorithms, ...dpop!.algorithms].filter((name) => PSS.test(name))).toEqual([]);
    expect(dpop!.algorithms).toEqual(['ES256', 'EdDSA', 'Ed25519']);
  });

  test.each<[string, Partial<GuardOptions>]>([
    ['algorithms', { algorithms: ['RS256', 'PS384'] }],
    ['dpop.algorithms', { dpop: { algorithms: ['ES256', 'PS384'] } }],
    ['shadow.algorithms', { shadow: { algorithms: ['ES256', 'PS384'] } }],
  ])('%s that name one stop the start', (name, more) => {
    expect(() => parseOptions({ ...OPTIONS, ...more })).toThrow(`${name}: lists "PS384", which this runtime cannot verify. Use `);
  });

  test('no key is prepared for them, so that no other signature passes as one', () => {
    const key = readEmbeddedKey(jwk, 'PS256') as EmbeddedKey;
    expect(() => importEmbeddedKey(key, 'PS256')).toThrow('this runtime cannot verify PSS signatures');
    expect(() => prepare(publicKey, TRAITS.get('PS256')!)).toThrow('this runtime cannot verify PSS signatures');
  });
});
