import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createResourceGuard } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey, type Misbehaviour } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { collectOutageWarnings } from '../../testing/test/outage-warnings.js';
import { ask, createScene, verdictOf } from './guarded.js';

describe('an issuer that cannot be reached', () => {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`self-signed/${name}.pem`, import.meta.url)));

  async function serveTls(answer: RequestListener): Promise<string> {
    const server = createServer({ key, cert }, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `https://localhost:${(server.address() as AddressInfo).port}`;
  }

  test('rule 53: answers 503 for an untrusted certificate, and reads nothing of the response', async () => {
    let asked = 0;
    const issuer = await serveTls((_request, response) => {
      asked++;
      response.end('{}');
    });
    const { issuer: other } = await createScene();
    const guard = createResourceGuard({ issuer, audience: other.audience });
    const token = await other.issueToken({ claims: { iss: issuer } });
    expect(await ask(guard, token)).toMatchObject({
      status: 503,
      reason: 'keys_unavailable',
      cause: { message: expect.stringMatching(/self-signed certificate/) },
    });
    expect(asked).toBe(0);
  });

  test('rule 53: answers 503 for a valid certificate of another name', async () => {
    const before = getCACertificates();
    setDefaultCACertificates([...before, cert!]);
    onTestFinished(() => setDefaultCACertificates(before));
    const named = await serveTls((request, response) => response.end(JSON.stringify({ issuer: `https://${request.headers.host!}` })));
    await expect(createResourceGuard({ issuer: named, audience: 'a' }).warm()).rejects.toThrow(/the metadata has no jwks_uri/);
    const unnamed = named.replace('localhost', '127.0.0.1');
    await expect(createResourceGuard({ issuer: unnamed, audience: 'a' }).warm()).rejects.toThrow(/altnames/);
  });

  test('rule 61: answers 503 while a host name is not found, and finds it later without a restart', async () => {
    const { lookup } = dns;
    let found = false;
    const failing = (
      name: string,
      options: dns.LookupAllOptions,
      answer: (error: NodeJS.ErrnoException | null, addresses?: dns.LookupAddress[]) => void,
    ): void => {
      if (found) lookup(name, options, answer);
      else setImmediate(answer, Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name }));
    };
    const { issuer, clock } = await createScene();
    dns.lookup = failing as typeof lookup;
    onTestFinished(() => void (dns.lookup = lookup));
    const jwksUri = issuer.jwksUri.replace('127.0.0.1', 'localhost');
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwksUri, clock });
    const token = await issuer.issueToken();
    const refused = await ask(guard, token);
    expect(refused).toMatchObject({ status: 503, reason: 'keys_unavailable', cause: { message: expect.stringContaining('ENOTFOUND') } });
    expect(refused.headers['retry-after']).toBe('1');
    expect(issuer.requests.jwks).toBe(0);
    found = true;
    clock.advance(1);
    expect(verdictOf(await ask(guard, token))).toBe('allow');
  });

  test('rule 61: finds an issuer that starts to listen later', async () => {
    const first = await createTestIssuer();
    const port = Number(new URL(first.issuer).port);
    await first.close();
    const { clock } = await createScene();
    const guard = createResourceGuard({ issuer: first.issuer, audience: first.audience, clock });
    expect(await ask(guard, await first.issueToken())).toMatchObject({ status: 503, cause: { message: expect.stringContaining('ECONNREFUSED') } });
    const second = await createTestIssuer({ port });
    onTestFinished(() => second.close());
    clock.advance(1);
    expect(verdictOf(await ask(guard, await second.issueToken()))).toBe('allow');
  });
});

describe('lifetimes and clocks', () => {
  test.each([
    ['max-age=0', 60],
    ['no-store', 60],
    ['max-age=300', 300],
    ['max-age=315360000', 3600],
    ['max-age=9999999999999999999', 600],
    ['garbage', 600],
  ])('rule 60: keys with cache-control %s are refreshed at three quarters of %i s, and become stale', async (cacheControl, lifeSeconds) => {
    const { issuer, clock, guard } = await createScene({ keyFetching: { freshSeconds: 600 } }, { cacheControl });
    await guard.warm();
    expect(guard.health().issuers[0]).toMatchObject({ state: 'fresh', refreshInSeconds: lifeSeconds * 0.75 });
    clock.advance(lifeSeconds * 0.75 - 1);
    const headers = { authorization: `Bearer ${await issuer.issueToken({ lifetimeSeconds: 10_000 })}` };
    for (let again = 0; again < 100; again++) expect(guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
    expect(issuer.requests.jwks).toBe(1);
    clock.advance(1);
    for (let again = 0; again < 100; again++) expect(guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
    await expect.poll(() => guard.health().issuers[0]!.ageSeconds).toBe(0);
    expect(issuer.requests.jwks).toBe(2);
    issuer.misbehave('reset');
    clock.advance(lifeSeconds);
    expect(guard.health().issuers[0]).toMatchObject({ state: 'stale' });
  });

  test('rule 60: a wall clock that jumps by years causes no fetch, and changes no verdict about cached keys', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 600 } });
    await guard.warm();
    for (const years of [10, -20, 10]) {
      clock.skewWall(years * 31_536_000);
      expect(await verdict({})).toBe('allow');
      expect(guard.health().issuers[0]).toMatchObject({ state: 'fresh', ageSeconds: 0 });
    }
    expect(issuer.requests.jwks).toBe(1);
    issuer.misbehave('reset');
    clock.advance(1200);
    clock.skewWall(-10_000);
    expect(await verdict({})).toBe('keys_unavailable');
  });

  test('fetches metadata again after an hour and not before, to find a moved jwks_uri', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600 } });
    const moved = await createTestIssuer();
    onTestFinished(() => moved.close());
    await guard.warm();
    moved.publishKey(await issuer.signingKey());
    issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: moved.jwksUri } }, 'metadata');
    clock.advance(3599);
    await guard.warm();
    expect([issuer.requests, moved.requests.jwks]).toEqual([{ metadata: 1, jwks: 2 }, 0]);
    clock.advance(1);
    await guard.warm();
    expect([issuer.requests.metadata, moved.requests.jwks]).toEqual([2, 1]);
    expect(await verdict({})).toBe('allow');
    // a key that is only at the old address is unknown from now on
    expect(await verdict({ key: await issuer.rotateKeys() })).toBe('unknown_key');
  });

  test('rule 59: fetches metadata again for an unknown key, so that it finds a moved jwks_uri while the old one still answers', async () => {
    const { issuer, guard, verdict } = await createScene();
    const moved = await createTestIssuer();
    onTestFinished(() => moved.close());
    await guard.warm();
    moved.publishKey(await issuer.signingKey());
    issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: moved.jwksUri } }, 'metadata');
    expect(await verdict({ key: await moved.signingKey() })).toBe('allow');
    expect(await verdict({})).toBe('allow');
    // the guard asks the old address once more, then metadata and the new address; a flood of unknown keys adds nothing within the cooldown
    expect([issuer.requests, moved.requests.jwks]).toEqual([{ metadata: 2, jwks: 2 }, 1]);
    for (let number = 0; number < 50; number++) expect(await verdict({ header: { kid: `made-up-${number}` } })).toBe('unknown_key');
    expect([issuer.requests, moved.requests.jwks]).toEqual([{ metadata: 2, jwks: 2 }, 1]);
  });

  test('rule 59: answers 503 for an unknown key while metadata cannot be fetched, and goes on using known keys', async () => {
    const { issuer, clock, guard, verdict } = await createScene();
    await guard.warm();
    issuer.misbehave('error', 'metadata');
    expect(await verdict({ header: { kid: 'made-up' } })).toBe('keys_unavailable');
    expect(await verdict({})).toBe('allow');
    expect(guard.health().issuers[0]).toMatchObject({
      state: 'fresh',
      lastError: expect.stringContaining('openid-configuration: answered with status 500') as string,
    });
    issuer.behave();
    clock.advance(30);
    expect(await verdict({ header: { kid: 'made-up' } })).toBe('unknown_key');
  });

  test('rule 59: finds a new key with the same kid at its first token, and bad signatures cause one fetch per cooldown', async () => {
    const { issuer, clock, guard, verdict } = await createScene();
    await guard.warm();
    const { kid } = await issuer.signingKey();
    const renewed = asSigningKey('RS256', await generatePrivateKey('RS256'), kid);
    const old = await issuer.issueToken({});
    issuer.misbehave({ document: { keys: [renewed.publicJwk] } }, 'jwks');
    expect(await verdict({ key: renewed })).toBe('allow');
    expect(await verdict(old)).toBe('bad_signature');
    const forger = asSigningKey('RS256', await generatePrivateKey('RS256'), kid);
    for (let number = 0; number < 50; number++) expect(await verdict({ key: forger })).toBe('bad_signature');
    expect(issuer.requests.jwks).toBe(2);
    clock.advance(30);
    const flood = await Promise.all(Array.from({ length: 50 }, () => verdict({ key: forger })));
    expect(new Set(flood)).toEqual(new Set(['bad_signature']));
    for (let number = 0; number < 50; number++) expect(await verdict({ header: { kid: `made-up-${number}` } })).toBe('unknown_key');
    expect(issuer.requests.jwks).toBe(3);
    // an outage does not turn a bad signature into a 503
    issuer.misbehave('reset');
    clock.advance(30);
    expect(await verdict({ key: forger })).toBe('bad_signature');
    expect(await verdict({ key: renewed })).toBe('allow');
  });

  test('rule 61: reads jwks_uri again after a failure, since the address may be wrong', async () => {
    const { issuer, clock, guard } = await createScene();
    const moved = await createTestIssuer();
    onTestFinished(() => moved.close());
    await guard.warm();
    issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: moved.jwksUri } }, 'metadata');
    issuer.misbehave('error', 'jwks');
    await expect(guard.warm()).rejects.toThrow(/status 500/);
    clock.advance(1);
    await guard.warm();
    expect([issuer.requests.metadata, moved.requests.jwks]).toEqual([2, 1]);
  });

  test.each<Misbehaviour>(['error', 'reset', 'hang'])(
    'rule 61: keys at the last known jwks_uri stay in use for a day if only the metadata fails (%s)',
    async (how) => {
      const { seen } = collectOutageWarnings();
      const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 600, timeoutSeconds: 0.3 } });
      await guard.warm();
      issuer.misbehave(how, 'metadata');
      clock.advance(86_399);
      expect(await verdict({})).toBe('allow');
      // the first request of an idle guard waits for the keys
      expect(guard.health().issuers[0]).toMatchObject({ state: 'fresh', lastError: expect.stringContaining('/.well-known/openid-configuration: ') as string });
      expect(guard.health().issuers[0]!.refreshInSeconds).toBeLessThanOrEqual(30);
      const told = expect.stringMatching(/the metadata of .*openid-configuration: .*; the keys at the last known address stay in use/) as string;
      expect(await seen()).toEqual([told]);
      // it may be at an address that the metadata names by now
      expect(await verdict({ header: { kid: 'made-up' } })).toBe('keys_unavailable');
      // a key that is withdrawn there counts no longer
      const old = await issuer.issueToken();
      const { kid } = await issuer.signingKey();
      await issuer.rotateKeys();
      issuer.withdrawKey(kid);
      await guard.warm();
      expect([await verdict(old), await verdict({})]).toEqual(['keys_unavailable', 'allow']);
      expect(await seen()).toEqual([told]);
      clock.advance(1200);
      expect(await verdict({})).toBe('keys_unavailable');
      expect(await seen()).toEqual([told, expect.stringMatching(/the keys of .*openid-configuration: .*; its tokens get 503/)]);
      issuer.behave();
      clock.advance(60);
      expect(await verdict({})).toBe('allow');
      expect((await seen()).slice(2)).toEqual([expect.stringMatching(/the keys of .* again$/), expect.stringMatching(/the metadata of .* again$/)]);
      expect(guard.health().issuers[0]!.lastError).toBeUndefined();
    },
  );

  test('rule 61: a new key waits for no metadata that was away a moment ago, and the next refresh asks for them again', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { timeoutSeconds: 3 } });
    const moved = await createTestIssuer();
    onTestFinished(() => moved.close());
    await guard.warm();
    issuer.misbehave('hang', 'metadata');
    clock.advance(3600);
    await guard.warm();
    await issuer.rotateKeys();
    const { metadata } = issuer.requests;
    const startedAt = performance.now();
    expect(await verdict({})).toBe('allow');
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(issuer.requests.metadata).toBe(metadata);
    expect(guard.health().issuers[0]!.lastError).toContain('/.well-known/openid-configuration: ');
    expect(guard.health().issuers[0]!.refreshInSeconds).toBeLessThanOrEqual(30);
    // a key that is not at that address may be at another one
    issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: moved.jwksUri } }, 'metadata');
    clock.advance(59);
    const elsewhere = await moved.signingKey();
    expect(await verdict({ key: elsewhere })).toBe('allow');
    expect(await verdict({})).toBe('unknown_key');
  });

  /** Creates a guard that could not fetch the metadata a moment ago. From now on, the metadata names another issuer's keys. */
  async function createMoved(options: Parameters<typeof createScene>[0] = {}) {
    const scene = await createScene(options);
    const moved = await createTestIssuer();
    onTestFinished(() => moved.close());
    await scene.guard.warm();
    scene.issuer.misbehave('error', 'metadata');
    scene.clock.advance(3600);
    await scene.guard.warm();
    scene.issuer.misbehave({ document: { issuer: scene.issuer.issuer, jwks_uri: moved.jwksUri } }, 'metadata');
    return { ...scene, moved };
  }

  test('rule 61: new keys at an old address do not put off the next request for the metadata', async () => {
    const { issuer, clock, verdict } = await createMoved({ keyFetching: { unknownKeyCooldownSeconds: 10 } });
    const verdicts: string[] = [];
    for (let second = 20; second <= 40; second += 20) {
      clock.advance(20);
      await issuer.rotateKeys();
      verdicts.push(await verdict({}));
    }
    expect(verdicts).toEqual(['allow', 'unknown_key']);
  });

  test('rule 61: a new key shortly before the next request for the metadata does not delay it', async () => {
    const { issuer, clock, guard, verdict, moved } = await createMoved();
    clock.advance(29);
    await issuer.rotateKeys();
    expect(await verdict({})).toBe('allow');
    expect(moved.requests.jwks).toBe(0);
    expect(guard.health().issuers[0]!.refreshInSeconds).toBe(1);
  });

  test('rule 61: keys at an old address do not count on if those at the new one cannot be fetched', async () => {
    const { issuer, guard, verdict, moved } = await createMoved();
    const { kid } = await issuer.signingKey();
    const old = await issuer.issueToken();
    await issuer.rotateKeys();
    moved.misbehave('error', 'jwks');
    expect(await verdict({ header: { kid: 'made-up' } })).toBe('keys_unavailable');
    expect(guard.health().issuers[0]!).toMatchObject({ keyIds: [kid], lastError: expect.stringContaining('status 500') as string });
    expect(await verdict(old)).toBe('allow');
  });

  test('rule 61: a new key waits for no further refresh if the old address is gone and the metadata is back', async () => {
    const { issuer, verdict, moved } = await createMoved();
    issuer.misbehave('error', 'jwks');
    expect(await verdict({ key: await moved.signingKey() })).toBe('allow');
  });

  test('rule 61: metadata that is gone is no outage of the metadata: the keys at the last known jwks_uri serve no longer than others', async () => {
    let isGone = false;
    const fetching = (url: string | URL | Request, init?: RequestInit): Promise<Response> =>
      isGone && new Request(url).url.includes('/.well-known/') ? Promise.resolve(new Response(null, { status: 404 })) : fetch(url, init);
    const { clock, guard, verdict } = await createScene({ fetch: fetching, keyFetching: { freshSeconds: 600, staleSeconds: 600 } });
    await guard.warm();
    isGone = true;
    clock.advance(3600);
    expect(await verdict({})).toBe('keys_unavailable');
    expect(guard.health().issuers[0]!.lastError).toContain('status 404');
  });

  test('rule 62: a key that is withdrawn counts no longer, though the metadata that an unknown key makes the guard read is wrong', async () => {
    const { issuer, clock, guard, verdict } = await createScene();
    await guard.warm();
    const old = await issuer.issueToken();
    const { kid } = await issuer.signingKey();
    await issuer.rotateKeys();
    issuer.withdrawKey(kid);
    issuer.misbehave({ document: { issuer: 'https://other.example.test', jwks_uri: issuer.jwksUri } }, 'metadata');
    clock.advance(60);
    expect(await verdict({ header: { kid: 'made-up' } })).toBe('keys_unavailable');
    expect(guard.health().issuers[0]!.lastError).toContain('must be exactly equal');
    expect([await verdict(old), await verdict({})]).toEqual(['keys_unavailable', 'allow']);
  });

  test('rule 61: a metadata outage is told once, also if warm() finds it, and if somebody listens to the events of keys', async () => {
    const { seen } = collectOutageWarnings();
    const onFailure = (): void => {};
    subscribe('tokenward:keys-failed', onFailure);
    onTestFinished(() => void unsubscribe('tokenward:keys-failed', onFailure));
    const { issuer, clock, guard, verdict } = await createScene();
    await guard.warm();
    issuer.misbehave('error', 'metadata');
    clock.advance(3600);
    await guard.warm();
    await guard.warm();
    expect(await seen()).toEqual([expect.stringContaining('stay in use for now')]);
    issuer.behave();
    clock.advance(30);
    await guard.warm();
    expect(await seen()).toEqual([expect.anything(), expect.stringMatching(/the metadata of .* can be fetched again$/)]);
    expect(await verdict({})).toBe('allow');
  });

  test('rule 61: a failure of the keys and one of the metadata are recovered from apart, and are an outage together', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 600 } });
    await guard.warm();
    issuer.misbehave('error');
    clock.advance(1200);
    expect(await verdict({})).toBe('keys_unavailable');
    clock.advance(60);
    await expect(guard.warm()).rejects.toThrow(/openid-configuration: answered with status 500.*; .*jwks: answered with status 500$/);
    issuer.behave();
    issuer.misbehave('error', 'metadata');
    clock.advance(60);
    expect(await verdict({})).toBe('allow');
  });

  test('rule 61: an old address that hangs does not delay the keys at the new one', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600, timeoutSeconds: 20 } });
    const moved = await createTestIssuer();
    onTestFinished(() => moved.close());
    await guard.warm();
    moved.publishKey(await issuer.signingKey());
    issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: moved.jwksUri } }, 'metadata');
    issuer.misbehave('hang', 'jwks');
    clock.advance(3600);
    await guard.warm();
    expect(await verdict({})).toBe('allow');
  });

  test('rule 51: does not use metadata that later names another issuer, and keeps the last good keys', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600 } });
    const other = await createTestIssuer();
    onTestFinished(() => other.close());
    await guard.warm();
    issuer.misbehave({ document: { issuer: other.issuer, jwks_uri: other.jwksUri } }, 'metadata');
    clock.advance(3600);
    await expect(guard.warm()).rejects.toThrow(/must be exactly equal/);
    expect(other.requests.jwks).toBe(0);
    expect(await verdict({})).toBe('allow');
  });
});

describe('two issuers', () => {
  test('rule 63: two issuers on one host do not share keys', async () => {
    const one = await createScene({}, { path: '/tenants/one' });
    const other = await createTestIssuer({ path: '/tenants/two' });
    onTestFinished(() => other.close());
    const guard = createResourceGuard({
      audience: one.issuer.audience,
      issuers: [{ issuer: one.issuer.issuer }, { issuer: other.issuer }],
      clock: one.clock,
    });
    expect(verdictOf(await ask(guard, await one.issuer.issueToken()))).toBe('allow');
    expect(verdictOf(await ask(guard, await other.issueToken({ key: await one.issuer.signingKey() })))).toBe('unknown_key');
    expect(verdictOf(await ask(guard, await other.issueToken()))).toBe('allow');
    expect(guard.health().issuers.map(({ keyIds }) => keyIds)).toEqual([[(await one.issuer.signingKey()).kid], [(await other.signingKey()).kid]]);
  });

  test('rule 59: keeps the cooldowns of two issuers apart', async () => {
    const one = await createTestIssuer();
    const two = await createTestIssuer();
    onTestFinished(async () => {
      await one.close();
      await two.close();
    });
    const guard = createResourceGuard({ audience: one.audience, issuers: [{ issuer: one.issuer }, { issuer: two.issuer }] });
    await guard.warm();
    for (let number = 0; number < 50; number++) {
      expect(verdictOf(await ask(guard, await one.issueToken({ header: { kid: `made-up-${number}` } })))).toBe('unknown_key');
    }
    expect([one.requests.jwks, two.requests.jwks]).toEqual([2, 1]);
    expect(verdictOf(await ask(guard, await two.issueToken({ key: await two.rotateKeys() })))).toBe('allow');
    expect([one.requests.jwks, two.requests.jwks]).toEqual([2, 2]);
  });
});
