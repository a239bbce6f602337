import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceGuard, KeysUnavailableError, type GuardOptions } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey, type Misbehaviour } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';

const misbehaviours: Misbehaviour[] = [
  'hang',
  'drip',
  'reset',
  'error',
  'html',
  'redirect',
  'huge',
  'bomb',
  'half',
  'empty',
  'no-keys',
  { document: [] },
  { document: { keys: {} } },
];
const labelled = misbehaviours.map((how) => [typeof how === 'string' ? how : JSON.stringify(how), how] as const);
const quick: GuardOptions = { keyFetching: { timeoutSeconds: 0.3 } };

describe('metadata', () => {
  test('rule 51: does not use metadata of another issuer', async () => {
    const other = await createTestIssuer();
    onTestFinished(() => other.close());
    const { issuer, decide } = await createScene();
    for (const named of [other.issuer, `${issuer.issuer}/`, issuer.issuer.toUpperCase(), undefined, [issuer.issuer]]) {
      issuer.misbehave({ document: { issuer: named, jwks_uri: other.jwksUri } }, 'metadata');
      expect(await decide({})).toMatchObject({
        outcome: 'deny',
        status: 503,
        reason: 'keys_unavailable',
        cause: { message: expect.stringContaining('exactly equal') },
      });
    }
    expect(other.requests.jwks).toBe(0);
  });

  test('rule 51: tries the OpenID Connect metadata address before the OAuth one, each with the path of the issuer', async () => {
    const asked: string[] = [];
    const answers = new Map<string, unknown>();
    const server = createServer((request, response) => {
      asked.push(request.url!);
      const answer = answers.get(request.url!);
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const key = asSigningKey('ES256', await generatePrivateKey('ES256'));
    answers.set('/.well-known/oauth-authorization-server/tenants/one', { issuer: `${origin}/tenants/one`, jwks_uri: `${origin}/keys` });
    answers.set('/keys', { keys: [key.publicJwk] });
    const guard = createResourceGuard({ issuer: `${origin}/tenants/one`, audience: 'a' });
    await guard.warm();
    expect(asked).toEqual(['/tenants/one/.well-known/openid-configuration', '/.well-known/oauth-authorization-server/tenants/one', '/keys']);
  });

  test('rule 52: sends no request for a token of an unknown issuer', async () => {
    const { issuer, verdict } = await createScene();
    expect(await verdict({ claims: { iss: 'https://login.example.test' } })).toBe('issuer_mismatch');
    expect(await verdict({ key: asSigningKey('RS256', await generatePrivateKey('RS256')), claims: { iss: 'https://login.example.test' } })).toBe(
      'issuer_mismatch',
    );
    expect(issuer.requests).toEqual({ metadata: 0, jwks: 0 });
  });

  test.each(['http://login.example.test', 'ftp://login.example.test', 'http://127.0.0.1.example.test', 'file:///keys.json'])(
    'rule 53: refuses %s as jwksUri, in the options and in metadata',
    async (jwksUri) => {
      expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', jwksUri })).toThrow(/jwksUri/);
      const { issuer, decide } = await createScene();
      issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: jwksUri } }, 'metadata');
      expect(await decide({})).toMatchObject({ status: 503, cause: { message: expect.stringContaining('its jwks_uri') } });
    },
  );

  test('rule 53: has no option that turns off the certificate check', () => {
    for (const name of ['rejectUnauthorized', 'insecure', 'agent', 'tls']) {
      expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', [name]: false })).toThrow(/is not an option/);
    }
  });

  test('rule 55: fetches keys from another host only if keyFetching.jwksHosts lists it', async () => {
    const elsewhere = await createTestIssuer();
    onTestFinished(() => elsewhere.close());
    const jwksUri = elsewhere.jwksUri.replace('127.0.0.1', 'localhost');
    const closed = await createScene({ keyFetching: { jwksHosts: ['keys.example.test'] } });
    closed.issuer.misbehave({ document: { issuer: closed.issuer.issuer, jwks_uri: jwksUri } }, 'metadata');
    expect(await closed.decide({})).toMatchObject({
      status: 503,
      cause: { message: expect.stringContaining("neither the issuer's own nor in keyFetching.jwksHosts") },
    });
    expect(elsewhere.requests.jwks).toBe(0);

    const open = await createScene({ keyFetching: { jwksHosts: ['localhost'] } });
    open.issuer.misbehave({ document: { issuer: open.issuer.issuer, jwks_uri: jwksUri } }, 'metadata');
    elsewhere.publishKey(await open.issuer.signingKey());
    expect(await open.verdict({})).toBe('allow');
  });
});

describe('answers without usable keys', () => {
  test.each(labelled)('rules 54, 56, 57: answers 503 for a bad key fetch (%s), and recovers without a restart', async (_name, how) => {
    const { issuer, clock, decide, verdict } = await createScene(quick);
    issuer.misbehave(how, 'jwks');
    const refused = await decide({});
    expect(refused).toMatchObject({ outcome: 'deny', status: 503, reason: 'keys_unavailable', cause: { code: 'TOKENWARD_KEYS_UNAVAILABLE' } });
    expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    issuer.behave();
    clock.advance(1);
    expect(await verdict({})).toBe('allow');
  });

  test.each(labelled)('rules 54, 56, 57: answers 503 for a bad metadata fetch (%s), and requests no keys', async (_name, how) => {
    const { issuer, decide } = await createScene(quick);
    issuer.misbehave(how, 'metadata');
    expect(await decide({})).toMatchObject({ outcome: 'deny', status: 503, reason: 'keys_unavailable' });
    expect(issuer.requests.jwks).toBe(0);
  });

  test.each(labelled)('rules 57, 61: keeps the last good keys after a bad answer (%s)', async (_name, how) => {
    const { issuer, clock, guard, verdict } = await createScene(quick);
    await guard.warm();
    issuer.misbehave(how);
    clock.advance(500);
    expect(await verdict({})).toBe('allow');
    await expect(guard.warm()).rejects.toThrow(KeysUnavailableError);
    expect(await verdict({})).toBe('allow');
  });

  test('rule 56: applies one deadline to the whole fetch, even if bytes keep arriving', async () => {
    const { issuer, decide } = await createScene({ keyFetching: { timeoutSeconds: 0.5 } });
    issuer.misbehave('drip', 'jwks');
    expect(await decide({})).toMatchObject({ status: 503, cause: { message: expect.stringContaining('no complete answer within 0.5 s') } });
  });

  test('rule 56: uses no key of a set with more keys than allowed', async () => {
    const { issuer, verdict } = await createScene({ keyFetching: { maxKeys: 2 } });
    await issuer.rotateKeys();
    expect(await verdict({})).toBe('allow');
    const again = await createScene({ keyFetching: { maxKeys: 1 } });
    await again.issuer.rotateKeys();
    expect(await again.verdict({})).toBe('keys_unavailable');
  });

  test('rule 56: applies the size limit after decompression', async () => {
    const { issuer, decide } = await createScene();
    issuer.misbehave('bomb', 'jwks');
    expect(await decide({})).toMatchObject({ cause: { message: expect.stringContaining('larger than 524288 bytes') } });
  });

  test('rule 57: skips a bad key and uses the good one', async () => {
    const { issuer, verdict } = await createScene();
    issuer.publishKey({ ...(await issuer.signingKey()), publicJwk: { kty: 'RSA', n: '!', e: 'AQAB', kid: 'bad' } });
    expect(await verdict({})).toBe('allow');
  });

  test('the error message names the address that failed and the reason', async () => {
    const { issuer, guard } = await createScene();
    issuer.misbehave('error', 'jwks');
    await expect(guard.warm()).rejects.toThrow(`the keys of ${issuer.issuer} could not be fetched: ${issuer.jwksUri}: answered with status 500`);
    const gone = createResourceGuard({ issuer: 'http://127.0.0.1:1', audience: 'a' });
    await expect(gone.warm()).rejects.toThrow(/127\.0\.0\.1:1.*ECONNREFUSED/);
  });

  test('applies the deadline and the ban on redirects to a custom fetch too', async () => {
    const { issuer, guard } = await createScene({ fetch: () => new Promise(() => {}), keyFetching: { timeoutSeconds: 0.2 } });
    await expect(guard.warm()).rejects.toThrow('no complete answer within 0.2 s');
    const real = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, fetch });
    expect(verdictOf(await ask(real, await issuer.issueToken({ claims: { iat: Math.floor(Date.now() / 1000) } })))).toBe('allow');
    issuer.misbehave('redirect', 'jwks');
    await expect(real.warm()).rejects.toThrow(/status 302: redirects are not followed/);
  });
});

describe('how often keys are fetched, and how long they are used', () => {
  test('rule 58: fetches keys once for a thousand requests at a cold start', async () => {
    const { issuer, guard } = await createScene();
    const token = await issuer.issueToken();
    const decisions = await Promise.all(Array.from({ length: 1000 }, () => ask(guard, token)));
    expect(decisions.every(({ outcome }) => outcome === 'allow')).toBe(true);
    expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
  });

  test('rule 59: ten thousand unknown kids cause one fetch per cooldown, and a good token does not wait', async () => {
    const { issuer, clock, guard } = await createScene();
    await guard.warm();
    clock.advance(31);
    const parts = (await issuer.issueToken()).split('.');
    const forged = (index: number): string =>
      [Buffer.from(JSON.stringify({ alg: 'RS256', kid: `made-up-${index}` })).toString('base64url'), parts[1], parts[2]].join('.');
    const flood = Array.from({ length: 10_000 }, (_, index) => ask(guard, forged(index)));
    const good = guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${parts.join('.')}` } });
    expect(good).toMatchObject({ outcome: 'allow' });
    // requests beyond the first thousand get a 503 instead of waiting for the fetch
    expect(new Set((await Promise.all(flood)).map(verdictOf))).toEqual(new Set(['unknown_key', 'keys_unavailable']));
    expect(issuer.requests.jwks).toBe(2);
    clock.advance(29);
    expect(verdictOf(await ask(guard, forged(0)))).toBe('unknown_key');
    expect(issuer.requests.jwks).toBe(2);
    clock.advance(2);
    expect(verdictOf(await ask(guard, forged(0)))).toBe('unknown_key');
    expect(issuer.requests.jwks).toBe(3);
  });

  test('rule 59: answers 503 for an unknown key after a failed fetch, and keeps to the cooldown', async () => {
    const { issuer, clock, guard, decide, verdict } = await createScene();
    await guard.warm();
    issuer.misbehave('error');
    const unknown = { key: asSigningKey('RS256', await generatePrivateKey('RS256')) };
    expect(await decide(unknown)).toMatchObject({ status: 503 });
    const { jwks } = issuer.requests;
    for (let second = 0; second < 29; second++) {
      clock.advance(1);
      expect(await decide(unknown)).toMatchObject({ status: 503 });
    }
    expect(issuer.requests.jwks).toBe(jwks);
    issuer.behave();
    clock.advance(2);
    expect(await verdict(unknown)).toBe('unknown_key');
  });

  test('rule 59: backs off from a failing issuer instead of asking it at each request', async () => {
    const { issuer, clock, guard } = await createScene({ jwksUri: undefined });
    issuer.misbehave('error');
    const token = await issuer.issueToken();
    for (let tenth = 0; tenth < 600; tenth++) {
      await ask(guard, token);
      clock.advance(0.1);
    }
    expect(issuer.requests.metadata).toBeLessThanOrEqual(7);
    expect(issuer.requests.metadata).toBeGreaterThanOrEqual(5);
  });

  test('rule 61: uses cached keys while the issuer is down until they are too old, then answers 503', async () => {
    const { issuer, clock, decide, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 3600 } });
    expect(await verdict({})).toBe('allow');
    issuer.misbehave('reset');
    clock.advance(601);
    expect(await verdict({})).toBe('allow');
    clock.advance(3598);
    expect(await verdict({})).toBe('allow');
    clock.advance(2);
    expect(await decide({})).toMatchObject({ status: 503, reason: 'keys_unavailable' });
    issuer.behave();
    clock.advance(31);
    expect(await verdict({})).toBe('allow');
  });

  test('rule 61: starts while the issuer is down, and warm() rejects until it is back', async () => {
    const { issuer, clock, guard, verdict } = await createScene();
    issuer.misbehave('reset');
    await expect(guard.warm()).rejects.toThrow(KeysUnavailableError);
    issuer.behave();
    clock.advance(1);
    await guard.warm();
    expect(await verdict({})).toBe('allow');
  });

  test('rule 62: refuses a withdrawn key from the next fetch on', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600 } });
    const old = await issuer.signingKey();
    expect(await verdict({ key: old })).toBe('allow');
    const young = await issuer.rotateKeys();
    expect(await verdict({ key: young })).toBe('allow');
    expect(await verdict({ key: old })).toBe('allow');
    issuer.withdrawKey(old.kid);
    clock.advance(451);
    await verdict({ key: young });
    await guard.warm();
    expect(await verdict({ key: old })).toBe('unknown_key');
    expect(await verdict({ key: young })).toBe('allow');
  });

  test('refreshes keys in the background at three quarters of their lifetime, without delaying a request', async () => {
    const { issuer, clock, guard } = await createScene({ keyFetching: { freshSeconds: 600 } });
    await guard.warm();
    const headers = { authorization: `Bearer ${await issuer.issueToken({ lifetimeSeconds: 3600 })}` };
    clock.advance(449);
    expect(guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(issuer.requests.jwks).toBe(1);
    clock.advance(2);
    for (let request = 0; request < 10; request++) expect(guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
    await expect.poll(() => issuer.requests.jwks).toBe(2);
  });

  test('rule 60: measures ages with the monotonic clock', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600 }, clockSkewSeconds: 300 });
    await guard.warm();
    clock.skewWall(-100_000);
    expect(await verdict({})).toBe('allow');
    clock.skewWall(200_000);
    expect(await verdict({})).toBe('allow');
    expect(issuer.requests.jwks).toBe(1);
  });

  test('rule 62: refuses a key that was withdrawn while no request arrived', async () => {
    for (const issuerOptions of [{}, { cacheControl: 'no-store' }]) {
      const { issuer, clock, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 3600 } }, issuerOptions);
      const old = await issuer.signingKey();
      expect(await verdict({ key: old })).toBe('allow');
      await issuer.rotateKeys();
      issuer.withdrawKey(old.kid);
      clock.advance(601);
      expect(await Promise.all(Array.from({ length: 5 }, () => verdict({ key: old })))).toEqual(Array.from({ length: 5 }, () => 'unknown_key'));
      expect(issuer.requests.jwks).toBe(2);
    }
  });

  test('rule 62: refuses a withdrawn key even if an earlier refresh failed', async () => {
    const { issuer, clock, guard, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 3600 } });
    const old = await issuer.signingKey();
    expect(await verdict({ key: old })).toBe('allow');
    issuer.misbehave('error');
    clock.advance(451);
    expect(await verdict({ key: old })).toBe('allow');
    await expect(guard.warm()).rejects.toThrow();
    issuer.behave();
    await issuer.rotateKeys();
    issuer.withdrawKey(old.kid);
    clock.advance(3000);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdict({ key: old, lifetimeSeconds: 7200 })));
    expect(new Set(verdicts)).toEqual(new Set(['unknown_key']));
  });

  test('rule 59: fetches again for a key that was published during a fetch', async () => {
    let release: (() => void) | undefined;
    let fetches = 0;
    const held: typeof fetch = async (...given) => {
      const response = await fetch(...given);
      if (++fetches === 3) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return response;
    };
    const { issuer, clock, guard, decide } = await createScene({ fetch: held });
    await guard.warm();
    clock.advance(451);
    expect(await decide({})).toMatchObject({ outcome: 'allow' });
    await expect.poll(() => release).toBeDefined();
    const young = await issuer.rotateKeys();
    const waiting = decide({ key: young });
    await new Promise((resolve) => setTimeout(resolve, 20));
    release!();
    expect(await waiting).toMatchObject({ outcome: 'allow' });
    expect(fetches).toBe(4);
  });

  test('rule 61: delays one request at the start of an outage, and answers the next ones at once with cached keys', async () => {
    const { issuer, clock, guard } = await createScene({ keyFetching: { freshSeconds: 600, timeoutSeconds: 0.3 } });
    await guard.warm();
    issuer.misbehave('hang');
    clock.advance(601);
    const headers = { authorization: `Bearer ${await issuer.issueToken({ lifetimeSeconds: 7200 })}` };
    const first = guard.check({ method: 'GET', target: '/', headers });
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toMatchObject({ outcome: 'allow' });
    for (let second = 0; second < 60; second++) {
      clock.advance(1);
      expect(guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
    }
    const unknown = await issuer.issueToken({ key: asSigningKey('RS256', await generatePrivateKey('RS256')) });
    expect(await ask(guard, unknown)).toMatchObject({ status: 503 });
  });

  test('rule 59: lets at most a thousand requests with unknown keys wait for an issuer that hangs', async () => {
    const { issuer, clock, guard } = await createScene({ keyFetching: { freshSeconds: 600, timeoutSeconds: 0.5 } });
    await guard.warm();
    issuer.misbehave('hang');
    clock.advance(31);
    const unknown = await issuer.issueToken({ key: asSigningKey('RS256', await generatePrivateKey('RS256')) });
    const answers = Array.from({ length: 5000 }, () => guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${unknown}` } }));
    expect(answers.filter((answer) => answer instanceof Promise)).toHaveLength(1000);
    // the keys are cached, and nothing has failed yet
    expect(answers.at(-1)).toMatchObject({ cause: { message: `1000 requests wait for new keys of ${issuer.issuer} already` } });
    expect(new Set((await Promise.all(answers.map(async (answer) => answer))).map(verdictOf))).toEqual(new Set(['keys_unavailable']));
  });

  test('rule 56: applies a deadline with a fraction of a second to a key fetch that hangs', async () => {
    for (const timeoutSeconds of [0.4001, 1 / 3]) {
      const { issuer, guard, decide } = await createScene({ keyFetching: { timeoutSeconds } });
      await guard.warm();
      issuer.misbehave('hang', 'jwks');
      const again = await createScene({ keyFetching: { timeoutSeconds } });
      again.issuer.misbehave('hang', 'jwks');
      const start = performance.now();
      expect(await again.decide({})).toMatchObject({ status: 503, cause: { message: expect.stringContaining(`within ${timeoutSeconds} s`) } });
      expect(performance.now() - start).toBeLessThan(3000);
      expect(await decide({})).toMatchObject({ outcome: 'allow' });
    }
  });

  test('rule 56: skips a key with a huge exponent within seconds', async () => {
    const { issuer, verdict } = await createScene();
    issuer.publishKey({
      ...(await issuer.signingKey()),
      publicJwk: { kty: 'RSA', n: (await issuer.signingKey()).publicJwk.n!, e: 'x'.repeat(300_000), kid: 'huge' },
    });
    const start = performance.now();
    expect(await verdict({})).toBe('allow');
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('rule 139: an error message omits the query of an address, and is short and printable', async () => {
    const { issuer, guard, decide } = await createScene();
    issuer.misbehave('error');
    const secret = createResourceGuard({ issuer: issuer.issuer, audience: 'a', jwksUri: `${issuer.jwksUri}?api_key=planted-secret` });
    await expect(secret.warm()).rejects.toThrow(/\/jwks: answered with status 404/);
    await expect(secret.warm()).rejects.not.toThrow(/planted/);
    issuer.behave();
    issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: `ftp://x/\u001b[31m${'x'.repeat(100_000)}?planted` } }, 'metadata');
    const { message } = (await decide({})) as unknown as { cause: Error } & { message: string };
    expect(message).toBeUndefined();
    const error = await guard.warm().catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(KeysUnavailableError);
    expect((error as Error).message.length).toBeLessThan(1000);
    expect((error as Error).message).not.toContain('planted');
    expect((error as Error).message).toMatch(/^[ -~]+$/);
  });

  test('answers 503 after close(), even with a custom fetch that never settles', async () => {
    const { issuer, guard } = await createScene({ fetch: () => new Promise(() => {}) });
    await guard.close();
    expect(await ask(guard, await issuer.issueToken())).toMatchObject({ status: 503 });
  });

  test('close() aborts a fetch under way, and a closed guard without keys answers 503', async () => {
    const { issuer, guard, decide } = await createScene();
    issuer.misbehave('hang');
    const waiting = decide({});
    await expect.poll(() => issuer.requests.metadata).toBe(1);
    await guard.close();
    expect(await waiting).toMatchObject({ status: 503, cause: { message: expect.stringContaining('the guard was closed') } });
    expect(await decide({})).toMatchObject({ status: 503 });
  });
});
