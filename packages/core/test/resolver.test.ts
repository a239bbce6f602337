import {
  ConfigurationError,
  createResourceGuard,
  EVENT_NAMES,
  issuedBy,
  observe,
  IssuerUnavailableError,
  type GuardOptions,
  type IssuerOptions,
  type IssuerResolver,
} from '@tokenward/core';
import { auth0 } from '@tokenward/core/presets';
import { asSigningKey, createTestClock, generatePrivateKey } from '@tokenward/testing';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, expectAllowed, verdictOf } from './guarded.js';
import { spyOnNetwork } from './network-spy.js';
import { AUDIENCE, createTenantServer, type TenantServer } from './tenant-server.js';

/** Returns a typical resolver: each tenant has its own host, and a request to that host may carry only tokens of that tenant. */
function byHost(server: TenantServer, tenants: readonly string[]): IssuerResolver {
  const known = new Map(tenants.map((tenant) => [`${tenant}.api.example.test`, { issuer: server.issuerOf(tenant), audience: AUDIENCE }]));
  return (_issuer, request) => known.get(String(request?.headers['host']));
}

const at = (tenant: string, token: string) => ({
  method: 'GET',
  target: '/',
  headers: { host: `${tenant}.api.example.test`, authorization: `Bearer ${token}` },
});

/** Returns an error without a message that shows the text only when it is inspected or converted. */
function shownAs(text: string): Error {
  return Object.assign(Object.create(Error.prototype) as Error, { toString: () => text, toJSON: () => text, [inspect.custom]: () => text, stack: text });
}

async function createScene(resolver: (server: TenantServer) => IssuerResolver, more: GuardOptions = {}, tenants = ['one', 'two']) {
  const clock = createTestClock();
  const server = await createTenantServer(tenants, clock);
  const resolve = vi.fn(resolver(server));
  const guard = createResourceGuard({ issuers: resolve, clock, ...more });
  return { clock, server, resolve, guard };
}

describe('rule 140: a resolver that reads the request', () => {
  test("refuses the good token of another tenant on this tenant's route", async () => {
    const { server, guard } = await createScene((its) => byHost(its, ['one', 'two']));
    const [one, two] = [server.token('one'), server.token('two')];
    for (let round = 0; round < 3; round++) {
      expect(verdictOf(await guard.check(at('one', one)))).toBe('allow');
      expect(verdictOf(await guard.check(at('two', two)))).toBe('allow');
      expect(await guard.check(at('one', two))).toMatchObject({ status: 401, reason: 'issuer_mismatch' });
      expect(await guard.check(at('two', one))).toMatchObject({ status: 401, reason: 'issuer_mismatch' });
      expect(verdictOf(await guard.check(at('nobody', one)))).toBe('issuer_mismatch');
    }
  });

  test('is called again for a cached token, and its new answer applies', async () => {
    const { server, resolve, guard } = await createScene((its) => byHost(its, ['one']));
    const token = server.token('one');
    for (let round = 1; round <= 3; round++) {
      expect(verdictOf(await guard.check(at('one', token)))).toBe('allow');
      expect(resolve).toHaveBeenCalledTimes(round);
    }
    expect(guard.health().tokenCache).toMatchObject({ hits: 2, entries: 1 });
    resolve.mockReturnValue(undefined);
    expect(verdictOf(await guard.check(at('one', token)))).toBe('issuer_mismatch');
    resolve.mockReturnValue({ issuer: server.issuerOf('one'), audience: 'https://elsewhere.example.test' });
    expect(verdictOf(await guard.check(at('one', token)))).toBe('audience_mismatch');
    resolve.mockReturnValue({ issuer: server.issuerOf('one'), audience: AUDIENCE });
    expect(verdictOf(await guard.check(at('one', token)))).toBe('allow');
    resolve.mockRejectedValue(new Error('the database is away'));
    expect(verdictOf(await guard.check(at('one', token)))).toBe('issuer_unavailable');
  });

  test('rule 163: is called at each check of an admitted request, without verifying the token again', async () => {
    const { server, resolve, guard } = await createScene((its) => byHost(its, ['one']));
    const request = at('one', server.token('one'));
    expect(verdictOf(await guard.check(request))).toBe('allow');
    expect(verdictOf(await guard.check(request, { policy: issuedBy(server.issuerOf('one')) }))).toBe('allow');
    expect(verdictOf(await guard.check(request, { policy: issuedBy(server.issuerOf('two')) }))).toBe('insufficient_claim');
    expect(resolve).toHaveBeenCalledTimes(3);
    expect(guard.health().tokenCache).toMatchObject({ hits: 0, misses: 1 });
    resolve.mockReturnValue(undefined);
    expect(verdictOf(await guard.check(request))).toBe('issuer_mismatch');
  });

  test('compares the resolved issuer with iss, and refuses the token if they differ', async () => {
    const { server, guard } = await createScene((its) => () => ({ issuer: its.issuerOf('two'), audience: AUDIENCE }));
    expect(verdictOf(await guard.check(at('one', server.token('one'))))).toBe('issuer_mismatch');
    expect(verdictOf(await guard.check(at('one', server.token('one', {}, {}, server.keyOf('two')))))).toBe('issuer_mismatch');
    expect(verdictOf(await guard.check(at('one', server.token('two'))))).toBe('allow');
    expect(verdictOf(await guard.check(at('one', server.token('one', {}, { kid: server.keyOf('two').kid }))))).toBe('issuer_mismatch');
    expect(server.requestsOf('one')).toBe(0);
  });
});

describe('the call of a resolver and its answer', () => {
  test('gets the issuer of the token and the request, and is not called without a token', async () => {
    const { server, resolve, guard } = await createScene((its) => byHost(its, ['one']));
    const request = at('one', server.token('one'));
    await guard.check(request);
    expect(resolve.mock.calls).toEqual([[server.issuerOf('one'), request]]);
    expect(resolve.mock.calls[0]![1]).toBe(request);
    for (const authorization of [undefined, 'Basic YTpi', 'Bearer x', 'Bearer a.b.c', `Bearer ${'x'.repeat(20_000)}`]) {
      await guard.check({ method: 'GET', target: '/', headers: { ...(authorization && { authorization }) } });
    }
    for (const iss of [undefined, null, 7, [server.issuerOf('one')], {}, 'x'.repeat(1025)]) {
      expect(verdictOf(await guard.check(at('one', server.token('one', { iss }))))).toBe('issuer_mismatch');
    }
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  test('accepts options, a promise or another thenable', async () => {
    const makers: ((options: IssuerOptions) => unknown)[] = [
      (options) => options,
      (options) => Promise.resolve(options),
      // eslint-disable-next-line unicorn/no-thenable -- database query builders are thenables
      (options) => ({ then: (take: (value: IssuerOptions) => void) => void setTimeout(take, 1, options) }),
    ];
    for (const make of makers) {
      const { server, guard } = await createScene((its) => () => make({ issuer: its.issuerOf('one'), audience: AUDIENCE }) as IssuerOptions);
      const token = server.token('one');
      expect(expectAllowed(await ask(guard, token)).auth?.issuer).toBe(server.issuerOf('one'));
      expect(verdictOf(await ask(guard, token))).toBe('allow');
    }
  });

  test('decides at once if the resolver answers at once', async () => {
    const { server, guard } = await createScene((its) => byHost(its, ['one']));
    await guard.check(at('one', server.token('one')));
    expect(guard.check(at('one', server.token('one')))).not.toBeInstanceOf(Promise);
  });

  test('the options of the guard are the defaults for the issuers that a resolver returns', async () => {
    const { server, resolve, guard } = await createScene(
      (its) => () => ({ issuer: its.issuerOf('one'), audience: undefined, maxTokenLifetimeSeconds: undefined }),
      {
        audience: AUDIENCE,
        maxTokenLifetimeSeconds: 100,
      },
    );
    expect(verdictOf(await ask(guard, server.token('one')))).toBe('lifetime_too_long');
    resolve.mockReturnValue({ issuer: server.issuerOf('one'), audience: 'https://elsewhere.example.test' });
    expect(verdictOf(await ask(guard, server.token('one')))).toBe('audience_mismatch');
  });

  test('treats equal options as one issuer, and fetches its keys once for many simultaneous requests', async () => {
    const { server, guard } = await createScene((its) => async () => ({ issuer: its.issuerOf('one'), audience: [AUDIENCE] }));
    const token = server.token('one');
    const decisions = await Promise.all(Array.from({ length: 300 }, () => ask(guard, token)));
    expect(new Set(decisions.map(verdictOf))).toEqual(new Set(['allow']));
    expect(server.requestsOf('one')).toBe(2);
    expect(guard.health().issuers).toHaveLength(1);
  });

  test('rule 63: treats options with other keys as another issuer, even under the same identifier', async () => {
    const { server, resolve, guard } = await createScene(() => () => undefined);
    const mine = asSigningKey('ES256', await generatePrivateKey('ES256'), 'key-1');
    const theirs = asSigningKey('ES256', await generatePrivateKey('ES256'), 'key-1');
    const using = (key: typeof mine) => resolve.mockReturnValue({ issuer: server.issuerOf('one'), audience: AUDIENCE, jwks: { keys: [key.publicJwk] } });
    const token = server.token('one', {}, {}, mine);
    using(mine);
    expect(verdictOf(await ask(guard, token))).toBe('allow');
    using(theirs);
    expect(verdictOf(await ask(guard, token))).toBe('bad_signature');
    using(mine);
    expect(verdictOf(await ask(guard, token))).toBe('allow');
    expect(guard.health().issuers).toHaveLength(2);
  });

  test('rule 52: sends no request if the resolver returns undefined', async () => {
    const { server, guard } = await createScene(() => async () => undefined);
    const network = spyOnNetwork();
    for (const iss of ['https://stranger.example.test', 'http://127.0.0.1:1', server.issuerOf('one')]) {
      expect(await ask(guard, server.token('one', { iss }))).toMatchObject({ status: 401, reason: 'issuer_mismatch', cause: 'iss' });
    }
    expect(network.count).toBe(0);
  });
});

describe('rule 141: a resolver that fails', () => {
  test.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a promise of undefined', async () => undefined],
    ['a promise of null', async () => null],
  ])('answers 401 if the resolver returns %s', async (_name, answer) => {
    const { server, guard } = await createScene(() => answer as IssuerResolver);
    expect(await ask(guard, server.token('one'))).toMatchObject({ outcome: 'deny', status: 401, reason: 'issuer_mismatch' });
  });

  test.each<[string, (server: TenantServer) => unknown, string]>([
    ['that throws', () => raise(new Error('no such table')), 'it threw Error. The message may quote the token, so it is not shown. Catch'],
    ['that rejects', async () => raise(Object.assign(new Error('no such table'), { code: 'ECONNREFUSED' })), 'it threw Error (ECONNREFUSED)'],
    ['that throws a value that is not an Error', () => raise('secret' as never), 'it threw a value that is not an Error'],
    ['that returns a URL', (its) => its.issuerOf('one'), 'must be a plain object'],
    ['that returns true', () => true, 'must be a plain object'],
    ['that returns a function', () => () => undefined, 'must be a plain object'],
    ['that returns a list', (its) => [{ issuer: its.issuerOf('one'), audience: AUDIENCE }], 'must be a plain object'],
    [
      'that returns an object with inherited options',
      (its) => Object.create({ issuer: its.issuerOf('one'), audience: AUDIENCE }) as object,
      'must be a plain object',
    ],
    ['that returns no audience', (its) => ({ issuer: its.issuerOf('one') }), 'audience: is missing'],
    ['that returns no issuer', () => ({ audience: AUDIENCE }), 'issuer: is missing'],
    ['that returns an unknown option', (its) => ({ issuer: its.issuerOf('one'), audience: AUDIENCE, audiance: 1 }), 'audiance: is not an option'],
    ['that returns a fetch option', (its) => ({ issuer: its.issuerOf('one'), audience: AUDIENCE, fetch }), 'fetch: is not an option'],
    ['that returns tenants', (its) => ({ issuer: its.template, tenants: ['one'], audience: AUDIENCE }), 'cannot be returned by an issuers function'],
    ['that returns an issuer that is a bigint', () => ({ issuer: 10n }), 'it threw TypeError'],
  ])('answers 503 for a resolver %s, and tells only operators why', async (_name, answer, cause) => {
    const { server, guard } = await createScene((its) => () => answer(its) as IssuerOptions);
    const token = server.token('one');
    for (let round = 0; round < 2; round++) {
      const decision = await ask(guard, token);
      expect(decision).toMatchObject({ outcome: 'deny', status: 503, reason: 'issuer_unavailable', headers: { 'retry-after': '1' } });
      expect(decision).toHaveProperty('cause.message', expect.stringContaining(cause));
      expect(decision).toHaveProperty('cause', expect.any(IssuerUnavailableError));
      expect(JSON.stringify(decision.outcome === 'deny' && [decision.headers, decision.body])).not.toContain(cause);
    }
    expect(guard.health().issuers).toEqual([]);
  });

  test.each<[string, IssuerResolver]>([
    ['throws it in a message', (issuer) => raise(new Error(`unknown: ${issuer}`))],
    ['rejects with it in a message', async (issuer) => raise(new TypeError(`unknown: ${issuer}`))],
    ['throws an error with it as code and name', (issuer) => raise(Object.assign(new Error(issuer), { code: issuer, name: issuer }))],
    ['throws it as a string', (issuer) => raise(issuer as never)],
    ['throws it in a ConfigurationError', (issuer) => raise(new ConfigurationError([{ path: issuer, message: issuer }]))],
    ['rejects with it in an IssuerUnavailableError', async (issuer) => raise(new IssuerUnavailableError(issuer, { cause: issuer }))],
    ['throws it as the cause of another error', (issuer) => raise(new Error('x', { cause: issuer }))],
    ['throws an error that shows it only when inspected', (issuer) => raise(shownAs(issuer))],
    ['passes it to a preset', (issuer) => auth0({ domain: issuer, audience: AUDIENCE })],
    ['returns it as the name of an option', (issuer) => ({ issuer: 'https://login.example.test', audience: AUDIENCE, [issuer]: 1 })],
    ['returns it as the name of a claim', (issuer) => ({ issuer: 'https://login.example.test', audience: AUDIENCE, requiredValues: { [issuer]: [] } })],
    ['returns it in a non-canonical issuer', (issuer) => ({ issuer: `https://LOGIN.example.test/${issuer}`, audience: AUDIENCE })],
    ['returns it in place of a number', (issuer) => ({ issuer: 'https://login.example.test', audience: AUDIENCE, clockSkewSeconds: issuer as never })],
    ['returns it as the issuer', (issuer) => ({ issuer, audience: AUDIENCE })],
    ['returns it as an audience', (issuer) => ({ issuer: 'https://login.example.test', audience: ` ${issuer}` })],
    ['returns it as a host', (issuer) => ({ issuer: 'https://login.example.test', audience: AUDIENCE, keyFetching: { jwksHosts: [issuer] } })],
    ['returns it as an algorithm', (issuer) => ({ issuer: 'https://login.example.test', audience: AUDIENCE, algorithms: [issuer as never] })],
    ['returns it in the path of a file', (issuer) => ({ issuer: 'https://login.example.test', audience: AUDIENCE, jwksFile: `./keys/${issuer}` })],
    ['returns it as the issuer, with a jwksUri', (issuer) => ({ issuer, audience: AUDIENCE, jwksUri: 'http://127.0.0.1:9/keys' })],
  ])('rule 164: an e-mail address as iss reaches no event, error or health if the resolver %s', async (_name, resolver) => {
    const { server, guard } = await createScene(() => resolver);
    const events: unknown[] = [];
    for (const name of EVENT_NAMES) onTestFinished(observe(name, (event) => events.push(event)));
    const iss = 'carol.planted@example.test';
    for (const token of [server.token('one', { iss }), server.token('one', { iss }, { alg: 'none' }), server.token('one', { iss }, { kid: 'unknown' })]) {
      const decision = await ask(guard, token);
      expect(decision.outcome).toBe('deny');
      const told = [events, guard.health(), decision.outcome === 'deny' && decision.cause];
      expect(inspect(told, { depth: 20, showHidden: true })).not.toContain('carol');
    }
    expect(events).not.toEqual([]);
  });

  test('is called again for the next request', async () => {
    const { server, resolve, guard } = await createScene((its) => byHost(its, ['one']));
    resolve.mockRejectedValueOnce(new Error('away'));
    const token = server.token('one');
    const request = at('one', token);
    expect(verdictOf(await guard.check(request))).toBe('issuer_unavailable');
    expect(verdictOf(await guard.check(request))).toBe('allow');
  });
});

describe('rule 141: a resolver that hangs', () => {
  const never = new Promise<never>(() => {});

  test('answers 503 after five seconds, and delays no other request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server, guard } = await createScene(
      (its) => async (issuer) => (issuer === its.issuerOf('two') ? never : { issuer, audience: AUDIENCE, jwksUri: `${issuer.replace('/v2.0', '')}/keys` }),
    );
    let settled = 0;
    const stuck = Array.from({ length: 400 }, () => ask(guard, server.token('two')).finally(() => settled++));
    for (let request = 0; request < 50; request++) expect(verdictOf(await ask(guard, server.token('one')))).toBe('allow');
    expect(settled).toBe(0);
    vi.advanceTimersByTime(4999);
    expect(verdictOf(await ask(guard, server.token('one')))).toBe('allow');
    expect(settled).toBe(0);
    vi.advanceTimersByTime(1);
    const decisions = await Promise.all(stuck);
    expect(new Set(decisions.map(verdictOf))).toEqual(new Set(['issuer_unavailable']));
    expect(decisions[0]).toMatchObject({ status: 503, cause: { message: 'the issuers function failed: no answer within 5 s' } });
    vi.useRealTimers();
  });

  test('lets 500 requests of one issuer wait, answers 503 to the rest at once, and admits a request of another issuer', async () => {
    const { server, guard } = await createScene((its) => async (issuer) => (issuer === its.issuerOf('two') ? never : { issuer, audience: AUDIENCE }));
    const token = server.token('two');
    let settled = 0;
    const flood = Array.from({ length: 2000 }, () => ask(guard, token).finally(() => settled++));
    const refused = await Promise.all(flood.slice(500));
    expect(new Set(refused.map(verdictOf))).toEqual(new Set(['issuer_unavailable']));
    expect(refused[0]).toMatchObject({ status: 503, cause: { message: 'the issuers function failed: too many requests are waiting for it' } });
    expect(settled).toBe(1500);
    expect(verdictOf(await ask(guard, server.token('one')))).toBe('allow');
    expect(settled).toBe(1500);
  });

  test('leaves no unhandled rejection', async () => {
    const late = Promise.withResolvers<never>();
    const server = await createTenantServer(['one']);
    const guard = createResourceGuard({ issuers: async () => late.promise });
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const token = server.token('one');
    const flood = Array.from({ length: 700 }, () => ask(guard, token));
    late.reject(new Error('away'));
    expect(new Set((await Promise.all(flood)).map(verdictOf))).toEqual(new Set(['issuer_unavailable']));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('rule 141: limits for a resolver', () => {
  test('fetches the keys of an issuer with many options once, and unknown keys once per cooldown', async () => {
    const { server, resolve, guard } = await createScene((its) => byHost(its, ['one']));
    for (let host = 0; host < 50; host++) {
      resolve.mockReturnValue({ issuer: server.issuerOf('one'), audience: `https://host-${host}.example.test` });
      expect(verdictOf(await ask(guard, server.token('one', { aud: `https://host-${host}.example.test` })))).toBe('allow');
      expect(verdictOf(await ask(guard, server.token('one', {}, { kid: `made-up-${host}` })))).toBe('unknown_key');
    }
    // metadata and keys, then both once more for the first unknown key
    expect(server.requestsOf('one')).toBe(4);
  });

  test('freezes the returned options, so that a resolver cannot change them for another request', async () => {
    const shared = { issuer: '', audience: '' };
    const { server, resolve, guard } = await createScene((its) => byHost(its, ['one']));
    resolve.mockImplementation((_issuer, request) => {
      shared.issuer = server.issuerOf('one');
      shared.audience = String(request?.headers['host']);
      return shared;
    });
    const token = server.token('one', { aud: 'a.example.test' });
    const asked = (host: string) => guard.check({ method: 'GET', target: '/', headers: { host, authorization: `Bearer ${token}` } });
    expect(verdictOf(await asked('a.example.test'))).toBe('allow');
    expect(verdictOf(await asked('b.example.test'))).toBe('issuer_unavailable');
  });

  test('a closed guard sends no request to an issuer that a resolver returns later', async () => {
    const { server, guard } = await createScene((its) => byHost(its, ['one', 'two']));
    expect(verdictOf(await guard.check(at('one', server.token('one'))))).toBe('allow');
    await guard.close();
    expect(verdictOf(await guard.check(at('two', server.token('two'))))).toBe('keys_unavailable');
    expect(server.requestsOf('two')).toBe(0);
  });
});

test('health lists the issuers that the resolver returned, and the guard is ready even if one has no keys yet', async () => {
  const { server, guard } = await createScene((its) => byHost(its, ['one', 'two']));
  expect(guard.health()).toMatchObject({ ready: true, issuers: [] });
  await guard.check(at('one', server.token('one')));
  server.slow('two', Infinity);
  void guard.check(at('two', server.token('two')));
  expect(guard.health()).toMatchObject({
    // an issuer that any client can make the guard look up does not take the API out of service
    ready: true,
    issuers: [
      { issuer: server.issuerOf('one'), state: 'fresh', keyIds: [server.keyOf('one').kid] },
      { issuer: server.issuerOf('two'), state: 'empty', keyIds: [] },
    ],
  });
  await guard.close();
});

function raise(error: Error): never {
  throw error;
}
