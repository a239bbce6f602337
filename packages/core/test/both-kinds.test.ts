import { createHmac, createPublicKey, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceGuard, type Algorithm, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { asSigningKey, base64url, compactJws, createTestIssuer, generatePrivateKey } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { createKeyFile } from './key-files.js';

/** A migration: tokens of the old secret and of the new key are valid at the same time. */
const issuer = await createTestIssuer({ algorithm: 'ES256' });
const key = await issuer.signingKey();
const jwks = issuer.jwks as NonNullable<Exclude<GuardOptions['jwks'], string>>;
const pem = createPublicKey(key.privateKey).export({ format: 'pem', type: 'spki' }) as string;
const secret = randomBytes(32);
const algorithms: Algorithm[] = ['HS256', 'ES256'];

const KEYS: readonly (readonly [string, () => GuardOptions])[] = [
  ['discovery', () => ({})],
  ['jwksUri', () => ({ jwksUri: issuer.jwksUri })],
  ['jwks', () => ({ jwks })],
  ['jwks as PEM', () => ({ jwks: pem })],
  ['jwksFile', () => ({ jwksFile: createKeyFile(JSON.stringify(jwks)).path })],
];
const SECRETS: readonly (readonly [string, () => GuardOptions])[] = [
  ['sharedSecrets', () => ({ sharedSecrets: [randomBytes(32), secret] })],
  ['sharedSecretsFile', () => ({ sharedSecretsFile: { path: createKeyFile(secret.toString('hex')).path, encoding: 'hex' } })],
];

describe.each(SECRETS)('%s', (_name, secrets) => {
  test.each(KEYS)('rule 22: with keys from %s, verifies each kind of token with its own kind of key', async (_from, keys) => {
    const guard = guardOf({ ...keys(), ...secrets(), algorithms });
    expect(await verdicts(guard, byMac(secret), await issuer.issueToken())).toEqual(['allow', 'allow']);
    // the second time, from the cache
    const token = await issuer.issueToken();
    expect(await verdicts(guard, token, token, byMac(secret))).toEqual(['allow', 'allow', 'allow']);
    expect(await verdicts(guard, byMac(randomBytes(32)))).toEqual(['bad_signature']);
    expect(guard.health()).toMatchObject({ ready: true });
  });

  test.each(KEYS)('rule 22: with keys from %s, refuses an HS token made with a text of the public key, under any kid', async (_from, keys) => {
    const guard = guardOf({ ...keys(), ...secrets(), algorithms });
    await guard.warm();
    for (const text of publicTexts()) {
      for (const header of [{}, { kid: key.kid }, { kid: 'other' }]) expect(await verdicts(guard, byMac(text, header))).toEqual(['bad_signature']);
    }
  });

  test.each(KEYS)('rule 22: with keys from %s, refuses a token whose alg does not fit its signature', async (_from, keys) => {
    const guard = guardOf({ ...keys(), ...secrets(), algorithms });
    await guard.warm();
    for (const kid of [key.kid, undefined]) {
      // a MAC in place of a signature, also with the same length, and a signature in place of a MAC
      expect(await verdicts(guard, byMac(secret, { alg: 'ES256', kid }))).toEqual(['bad_signature']);
      const doubled = compactJws(headerOf({ alg: 'ES256', kid }), claimsOf(), (signed) => Buffer.concat([macOf(secret, signed), macOf(secret, signed)]));
      expect(await verdicts(guard, doubled)).toEqual(['bad_signature']);
      expect(await verdicts(guard, await issuer.issueToken({ header: { alg: 'HS256', kid } }))).toEqual(['bad_signature']);
    }
    for (const alg of ['none', 'HS512', 'RS256', 'ES384', 'hs256']) {
      expect(await verdicts(guard, byMac(secret, { alg }), await issuer.issueToken({ header: { alg } }))).toEqual([
        'algorithm_not_allowed',
        'algorithm_not_allowed',
      ]);
    }
  });
});

test('rule 22: an HS token causes no key fetch, and is accepted while keys are unavailable', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const guard = guardOf({ jwksUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, sharedSecrets: secret, algorithms });
  expect(await verdicts(guard, byMac(secret), byMac(randomBytes(32)), byMac(randomBytes(32), { kid: 'new' }))).toEqual([
    'allow',
    'bad_signature',
    'bad_signature',
  ]);
  expect(asked).toBe(0);
  expect(await verdicts(guard, await issuer.issueToken())).toEqual(['keys_unavailable']);
  expect(asked).toBeGreaterThan(0);
  expect(await verdicts(guard, byMac(secret))).toEqual(['allow']);
});

test('rule 22: does not use a key of an algorithm that is not listed', async () => {
  const other = asSigningKey('RS256', await generatePrivateKey('RS256'), 'rsa');
  const guard = guardOf({ jwks: { keys: [...jwks.keys, other.publicJwk] }, sharedSecrets: secret, algorithms });
  expect(await verdicts(guard, await issuer.issueToken({ key: other, algorithm: 'RS256' }))).toEqual(['algorithm_not_allowed']);
});

test('rule 22: does not use a symmetric key in a JWKS, even with sharedSecrets', async () => {
  const oct = { kty: 'oct', kid: 'oct', alg: 'HS256', k: randomBytes(32).toString('base64url') };
  const served = createServer((_request, response) => response.end(JSON.stringify({ keys: [...jwks.keys, oct] })));
  await new Promise<void>((resolve) => served.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void served.close());
  const guard = guardOf({ jwksUri: `http://127.0.0.1:${(served.address() as AddressInfo).port}/keys`, sharedSecrets: secret, algorithms });
  await guard.warm();
  expect(await verdicts(guard, byMac(Buffer.from(oct.k, 'base64url'), { kid: 'oct' }))).toEqual(['bad_signature']);
});

test('secrets together with keys need algorithms of both kinds, and one set of keys for all tenants', () => {
  const problems = (options: GuardOptions): string[] | undefined =>
    configurationErrorOf(() => guardOf({ sharedSecrets: secret, ...options }))?.problems.map(({ path, message }) => `${path} ${message}`);
  expect(problems({ jwks })).toEqual([expect.stringMatching(/^sharedSecrets cannot be combined with jwks\. .*algorithms of both kinds/)]);
  expect(problems({ jwks, algorithms: ['ES256'] })).toEqual([expect.stringMatching(/^sharedSecrets cannot be used with any of the algorithms/)]);
  expect(problems({ jwks, jwksUri: issuer.jwksUri, algorithms })).toEqual(['jwks cannot be combined with jwksUri. Set only one of them']);
  expect(problems({ sharedSecretsFile: { path: '/x', encoding: 'hex' }, algorithms })?.join()).toContain(
    'sharedSecretsFile cannot be combined with sharedSecrets',
  );
  const tenants = { issuer: 'https://login.example.test/{tenant}', tenants: ['a'], algorithms };
  expect(problems(tenants)).toEqual([expect.stringMatching(/^sharedSecrets cannot be combined with separate keys for each tenant/)]);
  expect(problems({ ...tenants, jwks })).toBeUndefined();
  expect(problems({ ...tenants, jwksUri: 'https://login.example.test/keys' })).toBeUndefined();
});

test('rule 22: keeps the secrets and keys of several issuers apart', async () => {
  const other = await createTestIssuer({ algorithm: 'ES256' });
  onTestFinished(() => other.close());
  const guard = createResourceGuard({
    audience: issuer.audience,
    issuers: [{ issuer: issuer.issuer, sharedSecrets: secret, algorithms }, { issuer: other.issuer }],
  });
  onTestFinished(() => guard.close());
  expect(await verdicts(guard, byMac(secret), await issuer.issueToken(), await other.issueToken())).toEqual(['allow', 'allow', 'allow']);
  const claims = { iss: other.issuer };
  expect(await verdicts(guard, byMac(secret, {}, claims), await issuer.issueToken({ claims }))).toEqual(['algorithm_not_allowed', 'unknown_key']);
});

/** Returns the forms of the public key that an attacker could use as a secret. */
function publicTexts(): Buffer[] {
  const publicKey = createPublicKey(key.privateKey);
  const { x, y } = publicKey.export({ format: 'jwk' });
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return [
    Buffer.from(pem),
    Buffer.from(pem.trim()),
    der,
    Buffer.from(der.toString('base64')),
    Buffer.from(JSON.stringify(jwks)),
    Buffer.from(JSON.stringify(jwks.keys[0])),
    Buffer.from(x!, 'base64url'),
    Buffer.from(x! + y!),
    Buffer.from(key.kid),
    Buffer.alloc(0),
  ];
}

function byMac(by: Uint8Array, header: Record<string, unknown> = {}, claims: Record<string, unknown> = {}): string {
  return compactJws(headerOf({ alg: 'HS256', ...header }), claimsOf(claims), (signed) => macOf(by, signed));
}

function macOf(by: Uint8Array, signed: Uint8Array | string): Buffer {
  return createHmac('sha256', by).update(signed).digest();
}

function headerOf(header: Record<string, unknown>): string {
  return base64url(JSON.stringify({ typ: 'at+jwt', ...header }));
}

function claimsOf(claims: Record<string, unknown> = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return base64url(JSON.stringify({ iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1', iat: now, exp: now + 300, ...claims }));
}

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
