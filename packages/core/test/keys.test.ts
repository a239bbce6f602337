import { ConfigurationError, createResourceGuard, observe, type Algorithm, type Events } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';

const algorithms: Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

test.each(algorithms)('rule 20: accepts %s by default, with a key that names it', async (algorithm) => {
  const { verdict } = await createScene({}, { algorithm });
  expect(await verdict({})).toBe('allow');
});

test.each(algorithms)('rule 20: accepts %s with a key that names no algorithm', async (algorithm) => {
  const { issuer, verdict } = await createScene({}, { algorithm: algorithm === 'RS256' ? 'ES256' : 'RS256' });
  const key = asSigningKey(algorithm, await generatePrivateKey(algorithm), 'unnamed', { alg: undefined, use: undefined });
  issuer.publishKey(key);
  expect(await verdict({ key })).toBe('allow');
});

test('rule 20: refuses an algorithm that is not allowed, even with a published key for it', async () => {
  const { issuer, verdict } = await createScene({ algorithms: ['ES256'] }, { algorithm: 'ES256' });
  await issuer.rotateKeys('RS256');
  expect(await verdict({})).toBe('allow');
  expect(await verdict({ algorithm: 'RS256' })).toBe('algorithm_not_allowed');
});

test('rule 26: treats EdDSA and Ed25519 as one algorithm, whichever name the key and the token use', async () => {
  const { issuer, verdict } = await createScene({}, { algorithm: 'EdDSA' });
  const key = await issuer.signingKey();
  expect(await verdict({ key, header: { alg: 'Ed25519' } })).toBe('allow');
  const other = await issuer.rotateKeys('Ed25519');
  const again = await createScene({}, { algorithm: 'Ed25519' });
  expect(await again.verdict({ header: { alg: 'EdDSA' } })).toBe('allow');
  expect(other.kid).not.toBe(key.kid);
});

test.each(['HS256', 'HS384', 'HS512', 'none', 'RS1', 'ES256K', '', 'rs256'])('rule 22: refuses %j in the option algorithms', (name) => {
  expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', algorithms: [name as Algorithm] })).toThrow(ConfigurationError);
});

test('rule 25: uses RSA keys of 2048 and of 4096 bits', async () => {
  const { issuer, verdict } = await createScene();
  const key = asSigningKey('RS256', await generatePrivateKey('RS256', { modulusLength: 4096 }), 'large');
  issuer.publishKey(key);
  expect(await verdict({})).toBe('allow');
  expect(await verdict({ key })).toBe('allow');
});

test('rule 30: tries all keys that share a kid, and EC keys do not hide RSA keys', async () => {
  const { issuer, verdict } = await createScene();
  const make = async (algorithm: Algorithm) => asSigningKey(algorithm, await generatePrivateKey(algorithm), 'shared');
  const keys = [await make('ES256'), await make('RS256'), await make('RS256'), await make('ES256')];
  keys.forEach(issuer.publishKey);
  for (const key of keys) expect(await verdict({ key })).toBe('allow');
});

test('rule 30: tries at most four keys for a token without a kid', async () => {
  const { issuer, verdict } = await createScene();
  const keys = [await issuer.signingKey(), await issuer.rotateKeys(), await issuer.rotateKeys(), await issuer.rotateKeys(), await issuer.rotateKeys()];
  const verdicts = [];
  for (const key of keys) verdicts.push(await verdict({ key, header: { kid: undefined } }));
  expect(verdicts).toEqual(['allow', 'allow', 'allow', 'allow', 'bad_signature']);
  expect(await verdict({ key: keys[4] })).toBe('allow');
});

test('rule 30: uses a key without a kid only for tokens without a kid', async () => {
  const { issuer, verdict } = await createScene({}, { algorithm: 'ES256' });
  const key = asSigningKey('RS256', await generatePrivateKey('RS256'), 'x', { kid: undefined });
  issuer.publishKey(key);
  expect(await verdict({ key, header: { kid: undefined } })).toBe('allow');
  expect(await verdict({ key })).toBe('unknown_key');
});

test('rule 31: uses a key whose key_ops contain verify', async () => {
  const { issuer, verdict } = await createScene();
  const key = asSigningKey('RS256', await generatePrivateKey('RS256'), 'ops', { use: undefined, key_ops: ['verify'] });
  issuer.publishKey(key);
  expect(await verdict({ key })).toBe('allow');
});

test('rule 32: reports a published private or symmetric key to operators, without its value', async () => {
  const { issuer, verdict } = await createScene();
  const privateKey = await generatePrivateKey('ES256');
  const { d } = privateKey.export({ format: 'jwk' });
  issuer.publishKey(asSigningKey('ES256', privateKey, 'leaked', { d }));
  issuer.publishKey({ ...(await issuer.signingKey()), publicJwk: { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA', kid: 'oct' } });
  const seen: Events['tokenward:keys-refreshed'][] = [];
  // guards of other files may still retry
  onTestFinished(observe('tokenward:keys-refreshed', (event) => event.issuer === issuer.issuer && seen.push(event)));
  expect(await verdict({})).toBe('allow');
  expect(seen[0]?.remarks).toEqual([
    'keys[1]: contains its private part. Replace this key at the issuer',
    expect.stringMatching(/^keys\[2\]: is a symmetric key/),
  ]);
  expect(JSON.stringify(seen)).not.toContain(d);
  expect(JSON.stringify(seen)).not.toContain('c2VjcmV0');
});

test('rule 32: reports a private or symmetric key in jwks at start-up, without its value', async () => {
  const privateKey = await generatePrivateKey('ES256');
  const whole = privateKey.export({ format: 'jwk' });
  const good = asSigningKey('ES256', privateKey).publicJwk;
  for (const odd of [whole, { kty: 'oct', k: 'c2VjcmV0LXNlY3JldA' }]) {
    const start = (): unknown => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', jwks: { keys: [good, odd] } });
    expect(start).toThrow(/jwks: keys\[1\]: (contains its private part|is a symmetric key)/);
    expect(start).not.toThrow(new RegExp(whole.d!));
  }
});

test('rule 25: reports a weak or broken key in jwks at start-up, and accepts a key for another use', async () => {
  const start = (...keys: object[]): unknown => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', jwks: { keys } });
  const good = asSigningKey('ES256', await generatePrivateKey('ES256')).publicJwk;
  const weak = asSigningKey('RS256', await generatePrivateKey('RS256', { modulusLength: 1024 })).publicJwk;
  expect(() => start(good, weak)).toThrow(/jwks: keys\[1\]: is an RSA key of 1024 bits/);
  expect(() => start(good, { ...good, x: 'AAAA' })).toThrow(/jwks: keys\[1\]: cannot be imported/);
  expect(() => start(good, { ...weak, use: 'enc' }, { kty: 'OKP', crv: 'X25519', x: 'AAAA' })).not.toThrow();
});

test('rule 23: reports jwks without a usable key at start-up', () => {
  for (const jwks of [{ keys: [] }, {}, { keys: 'x' }, [], '-----BEGIN PUBLIC KEY-----', { keys: [{ kty: 'RSA' }] }, null, { keys: [null] }]) {
    expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', jwks: jwks as never })).toThrow(/jwks: it/);
  }
});

test('keys in jwks need no network, and are never refreshed', async () => {
  const issuer = await createTestIssuer();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks });
  const token = await issuer.issueToken();
  await issuer.close();
  await guard.warm();
  const decision = guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
  expect(decision).not.toBeInstanceOf(Promise);
  expect(decision).toMatchObject({ outcome: 'allow' });
  const stranger = await issuer.issueToken({ key: await issuer.rotateKeys() });
  expect(verdictOf(await ask(guard, stranger))).toBe('unknown_key');
});

test('answers without a promise once the keys are cached', async () => {
  const { issuer, guard } = await createScene();
  await guard.warm();
  const headers = { authorization: `Bearer ${await issuer.issueToken()}` };
  expect(guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
  expect(guard.check({ method: 'GET', target: '/', headers: {} })).toMatchObject({ outcome: 'deny', reason: 'missing_token' });
});

test('rule 33: uses a key only for tokens of its own issuer, even if two issuers share a kid', async () => {
  const one = await createScene();
  const two = await createScene();
  const theirs = asSigningKey('RS256', await generatePrivateKey('RS256'), (await one.issuer.signingKey()).kid);
  two.issuer.publishKey(theirs);
  expect(await two.verdict({ key: theirs })).toBe('allow');
  expect(await one.verdict({ key: theirs })).toBe('bad_signature');
  expect(await one.verdict({ key: theirs, claims: { iss: two.issuer.issuer } })).toBe('bad_signature');
  expect(await one.verdict(await two.issuer.issueToken({ algorithm: 'ES256' }))).toBe('issuer_mismatch');
});
