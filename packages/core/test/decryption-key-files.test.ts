import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createResourceGuard, type DecryptionKeyOption } from '@tokenward/core';
import { createTestIssuer } from '@tokenward/testing';
import { CompactEncrypt } from 'jose';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { createKeyFile, fileLayouts, openWatches } from './key-files.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const WAIT = { timeout: 5000, interval: 20 };
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const [old, young] = [newKey(), newKey()];

function jwksOf(keys: Readonly<Record<string, KeyObject>>): string {
  return JSON.stringify({ keys: Object.entries(keys).map(([kid, key]) => ({ ...key.export({ format: 'jwk' }), kid, use: 'enc' })) });
}

function pemOf(...keys: readonly KeyObject[]): string {
  return keys.map((key) => key.export({ type: 'pkcs8', format: 'pem' }).toString()).join('');
}

async function tokenFor(key: KeyObject, kid?: string): Promise<string> {
  const encrypt = new CompactEncrypt(Buffer.from(await issuer.issueToken()));
  return encrypt.setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT', ...(kid !== undefined && { kid }) }).encrypt(createPublicKey(key));
}

function guardOf(decryptionKeys: DecryptionKeyOption) {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, decryptionKeys });
  onTestFinished(() => guard.close());
  return guard;
}

describe.each(fileLayouts)('rule 245: a file of decryption keys that is $name', (layout) => {
  test('adds new keys, drops removed ones, and keeps the last good ones if it is broken', async () => {
    const { folder, path } = createKeyFile(jwksOf({ old }), layout);
    const guard = guardOf({ file: path });
    const known = await tokenFor(old, 'old');
    expect(verdictOf(await ask(guard, known))).toBe('allow');
    expect(verdictOf(await ask(guard, await tokenFor(young, 'young')))).toBe('encrypted_token');

    layout.replace(folder, jwksOf({ young, old }));
    await vi.waitFor(async () => expect(verdictOf(await ask(guard, await tokenFor(young, 'young')))).toBe('allow'), WAIT);
    expect(verdictOf(await ask(guard, await tokenFor(old, 'old')))).toBe('allow');

    layout.replace(folder, '{"keys":[');
    await vi.waitFor(() => expect(guard.health().decryption?.lastError).toMatch(/neither JSON nor PEM/), WAIT);
    expect(verdictOf(await ask(guard, await tokenFor(old, 'old')))).toBe('allow');

    layout.replace(folder, jwksOf({ young }));
    await vi.waitFor(async () => expect(verdictOf(await ask(guard, await tokenFor(old, 'old')))).toBe('encrypted_token'), WAIT);
    expect(guard.health().decryption).toMatchObject({ keyIds: ['young'], keys: 1, lastError: undefined });
    // its signature was verified, and that key still counts
    expect(verdictOf(await ask(guard, known))).toBe('allow');
  });
});

test('a file may hold several keys in PEM, one JWK, or one key that kid names', async () => {
  const several = guardOf({ file: createKeyFile(pemOf(old, young)).path });
  for (const key of [old, young]) expect(verdictOf(await ask(several, await tokenFor(key)))).toBe('allow');
  const one = guardOf({ file: createKeyFile(JSON.stringify(old.export({ format: 'jwk' }))).path, kid: 'k' });
  expect(one.health().decryption).toMatchObject({ keyIds: ['k'] });
  expect(verdictOf(await ask(one, await tokenFor(old, 'k')))).toBe('allow');
});

test.each<[string, string, RegExp]>([
  ['nothing', '', /neither JSON nor PEM/],
  ['no keys', '{"keys":[]}', /contains no key/],
  ['a public key', JSON.stringify(createPublicKey(old).export({ format: 'jwk' })), /keys\[0\] is a public key/],
  ['a public PEM', createPublicKey(old).export({ type: 'spki', format: 'pem' }).toString(), /a key in it is not a private key/],
  ['a cut PEM', pemOf(old).slice(0, -30), /PEM block without an end/],
  ['17 keys', jwksOf(Object.fromEntries(Array.from({ length: 17 }, (_none, at) => [`k${at}`, old]))), /17 keys, more than 16/],
])('a file with %s stops the start, and is not shown', (_name, text, message) => {
  const { path } = createKeyFile(text);
  const error = configurationErrorOf(() => guardOf({ file: path }));
  expect(error?.message).toMatch(message);
  expect(error?.message).toContain('decryptionKeys.file');
  expect(error?.message).not.toContain(String(old.export({ format: 'jwk' }).d).slice(0, 12));
});

test('closing the guard ends all watches', async () => {
  const before = openWatches();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, decryptionKeys: { file: createKeyFile(pemOf(old)).path } });
  expect(openWatches()).toBeGreaterThan(before);
  await guard.close();
  expect(openWatches()).toBe(before);
});
