import { createResourceGuard, type GuardOptions } from '@tokenward/core';
import { asSigningKey, createTestClock, generatePrivateKey } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { ask, expectAllowed, verdictOf } from './guarded.js';
import { spyOnNetwork } from './network-spy.js';
import { AUDIENCE, createTenantServer, type TenantServer } from './tenant-server.js';

const TEMPLATE = 'https://login.example.test/{tenant}/v2.0';
const good: GuardOptions = { issuer: TEMPLATE, audience: AUDIENCE, tenants: ['one'] };
const keys = { keys: [asSigningKey('ES256', await generatePrivateKey('ES256')).publicJwk] } as NonNullable<GuardOptions['jwks']>;

async function createScene(names: readonly string[], options: GuardOptions = {}) {
  const clock = createTestClock();
  const server = await createTenantServer(names, clock);
  const guard = createResourceGuard({ issuer: server.template, audience: AUDIENCE, clock, tenants: names, ...options });
  const verdict = async (...wanted: Parameters<TenantServer['token']>) => verdictOf(await ask(guard, server.token(...wanted)));
  return { clock, server, guard, verdict };
}

describe('rule 50: options of a template', () => {
  test.each<[string, GuardOptions, string]>([
    ['no tenants', { tenants: undefined }, 'tenants: is missing: list the tenants'],
    ['an empty list of tenants', { tenants: [] }, 'tenants: must be a list of one or more non-empty strings (got an empty list)'],
    ['a tenant with a dot', { tenants: ['one', 'example.com'] }, 'tenants: must list names of 1 to 64 letters, digits and hyphens (got "example.com")'],
    ['a tenant with a slash', { tenants: ['one/two'] }, 'tenants: must list names of 1 to 64 letters, digits and hyphens (got "one/two")'],
    ['a tenant with an underscore', { tenants: ['one_two'] }, 'tenants: must list names of 1 to 64 letters, digits and hyphens (got "one_two")'],
    ['an empty tenant', { tenants: [''] }, 'tenants: must be a list of one or more non-empty strings (got a list)'],
    ['a tenant of 65 characters', { tenants: ['x'.repeat(65)] }, 'tenants: must list names'],
    ['unsafeAcceptAnyTenant together with tenants', { unsafeAcceptAnyTenant: true, jwks: keys }, 'tenants: cannot be combined with unsafeAcceptAnyTenant'],
    [
      'unsafeAcceptAnyTenant without jwks or jwksUri',
      { tenants: undefined, unsafeAcceptAnyTenant: true },
      'unsafeAcceptAnyTenant: needs jwks, jwksFile, or jwksUri',
    ],
    [
      'unsafeAcceptAnyTenant with {tenant} in jwksUri',
      { tenants: undefined, unsafeAcceptAnyTenant: true, jwksUri: 'https://login.example.test/{tenant}/keys' },
      'unsafeAcceptAnyTenant: needs jwks, jwksFile, or jwksUri without {tenant}',
    ],
    ['{tenant} in the host', { issuer: 'https://{tenant}.example.test/' }, 'issuer:'],
    ['{tenant} in a part of a segment', { issuer: 'https://login.example.test/x{tenant}/v2.0' }, 'issuer: has {tenant}, which is not a whole segment'],
    ['{tenant} twice', { issuer: 'https://login.example.test/{tenant}/{tenant}' }, 'issuer: has braces'],
    ['another placeholder', { issuer: 'https://login.example.test/{tenantid}/v2.0' }, 'issuer: has braces'],
    [
      '{tenant} in jwksUri and not in issuer',
      { issuer: 'https://a.example.test', tenants: undefined, jwksUri: 'https://a.example.test/{tenant}' },
      'jwksUri: contains {tenant}',
    ],
    ['tenants without {tenant} in issuer', { issuer: 'https://a.example.test' }, 'tenants: has no effect without {tenant} in issuer'],
    [
      'unsafeAcceptAnyTenant without {tenant} in issuer',
      { issuer: 'https://a.example.test', tenants: undefined, unsafeAcceptAnyTenant: true, jwks: keys },
      'unsafeAcceptAnyTenant: has no effect',
    ],
  ])('throws at start-up for %s', (_name, options, message) => {
    expect(() => createResourceGuard({ ...good, ...options })).toThrow(message);
  });
});

describe('rule 50: listed tenants', () => {
  test('each tenant is an issuer with its own keys', async () => {
    const { server, guard, verdict } = await createScene(['one', 'two']);
    expect(expectAllowed(await ask(guard, server.token('one'))).auth?.issuer).toBe(server.issuerOf('one'));
    expect(await verdict('two')).toBe('allow');
    expect(await verdict('one', {}, {}, server.keyOf('two'))).toBe('unknown_key');
    expect(await verdict('one', {}, { kid: server.keyOf('one').kid }, server.keyOf('two'))).toBe('bad_signature');
  });

  test('refuses a token whose tid and iss disagree', async () => {
    const { verdict } = await createScene(['one', 'two']);
    expect(await verdict('one', { tid: 'two' })).toBe('invalid_claim');
    expect(await verdict('one', { tid: 'ONE' })).toBe('invalid_claim');
    expect(await verdict('one', { tid: ['one'] })).toBe('invalid_claim');
    expect(await verdict('one', { tid: undefined })).toBe('missing_claim');
    expect(await verdict('one', { tid: null })).toBe('missing_claim');
  });

  test.each<[string, (server: TenantServer) => string]>([
    ['a tenant that is not listed', ({ issuerOf }) => issuerOf('three')],
    ['another letter case', ({ issuerOf }) => issuerOf('ONE')],
    ['two segments', ({ issuerOf }) => issuerOf('one/one')],
    ['no tenant', ({ issuerOf }) => issuerOf('')],
    ['dots', ({ issuerOf }) => issuerOf('../one')],
    ['a dot', ({ issuerOf }) => issuerOf('one.')],
    ['a percent sign', ({ issuerOf }) => issuerOf('%6Fne')],
    ['a space', ({ issuerOf }) => issuerOf('one ')],
    ['a query', ({ issuerOf }) => issuerOf('one?')],
    ['a line feed', ({ issuerOf }) => issuerOf('one\n')],
    ['a letter of another alphabet', ({ issuerOf }) => issuerOf('оne')],
    ['the placeholder {tenant}', ({ template }) => template],
    ['the name of a property of every object', ({ issuerOf }) => issuerOf('constructor')],
    ['another host in front', ({ issuerOf }) => `https://stranger.example.test/${issuerOf('one')}`],
    ['a slash at the end', ({ issuerOf }) => `${issuerOf('one')}/`],
    ['another version at the end', ({ issuerOf }) => issuerOf('one').replace('/v2.0', '/v1.0')],
    ['no version at the end', ({ issuerOf }) => issuerOf('one').replace('/v2.0', '')],
    ['a prefix and a suffix that overlap', ({ template }) => template.replace('{tenant}/v2.0', 'v2.0')],
  ])('rules 38 and 52: refuses an iss with %s, and sends no request', async (_name, claim) => {
    const { server, verdict } = await createScene(['one', 'two']);
    const network = spyOnNetwork();
    const iss = claim(server);
    const tid = iss.split('/')[3];
    expect(await verdict('one', { iss, tid })).toBe('issuer_mismatch');
    expect(network.count).toBe(0);
    expect(await verdict('one')).toBe('allow');
    expect(network.count).toBeGreaterThan(0);
  });

  test.each([
    ['metadata', false],
    ['template', true],
  ])('rule 63: fetches the keys of each tenant from its own URL, as given by the %s', async (_name, byTemplate) => {
    const server = await createTenantServer(['one', 'two']);
    const guard = createResourceGuard({
      issuer: server.template,
      audience: AUDIENCE,
      tenants: ['one', 'two'],
      ...(byTemplate && { jwksUri: server.jwksTemplate }),
    });
    const mine = asSigningKey('ES256', await generatePrivateKey('ES256'), 'key-1');
    const theirs = asSigningKey('ES256', await generatePrivateKey('ES256'), 'key-1');
    server.publish('one', [mine]);
    server.publish('two', [theirs]);
    expect(verdictOf(await ask(guard, server.token('one', {}, {}, mine)))).toBe('allow');
    expect(verdictOf(await ask(guard, server.token('two', {}, {}, mine)))).toBe('bad_signature');
    expect(verdictOf(await ask(guard, server.token('two', {}, {}, theirs)))).toBe('allow');
    expect(verdictOf(await ask(guard, server.token('one', {}, {}, theirs)))).toBe('bad_signature');
    // a bad signature under a known kid made the guard fetch once more
    expect([server.requestsOf('one'), server.requestsOf('two')]).toEqual(byTemplate ? [2, 1] : [3, 2]);
  });

  test('other options apply to each tenant', async () => {
    const { verdict } = await createScene(['one', 'two'], { requiredValues: { env: ['live'] }, clockSkewSeconds: 0 });
    expect(await verdict('one', { env: 'live' })).toBe('allow');
    expect(await verdict('one', { env: 'live', tid: 'two' })).toBe('invalid_claim');
    expect(await verdict('two', { env: 'test' })).toBe('invalid_claim');
    expect(await verdict('two', { env: 'live', exp: 1 })).toBe('expired');
    expect(await verdict('two', { env: 'live', aud: 'x' })).toBe('audience_mismatch');
  });
});

describe('unsafeAcceptAnyTenant', () => {
  test('accepts any tenant with a valid name, with the keys of jwksUri, if its tid matches', async () => {
    const server = await createTenantServer(['one', 'two', 'three']);
    const guard = createResourceGuard({
      issuer: server.template,
      audience: AUDIENCE,
      unsafeAcceptAnyTenant: true,
      jwksUri: server.jwksTemplate.replace('{tenant}', 'one'),
    });
    const shared = server.keyOf('one');
    for (const tenant of ['one', 'two', 'three', 'never-heard-of']) {
      expect(verdictOf(await ask(guard, server.token(tenant, {}, {}, shared)))).toBe('allow');
      expect(verdictOf(await ask(guard, server.token(tenant, { tid: 'other' }, {}, shared)))).toBe('invalid_claim');
    }
    for (const tenant of ['a/b', 'a.b', '', 'x'.repeat(65)]) {
      expect(verdictOf(await ask(guard, server.token(tenant, {}, {}, shared)))).toBe('issuer_mismatch');
    }
    expect(server.requestsOf('one')).toBe(1);
    expect(server.requestsOf('two') + server.requestsOf('three') + server.requestsOf('never-heard-of')).toBe(0);
  });

  test('rule 141: 2,500 made-up tenants cause one request, and a good tenant is still accepted', async () => {
    const server = await createTenantServer(['one']);
    const guard = createResourceGuard({
      issuer: server.template,
      audience: AUDIENCE,
      unsafeAcceptAnyTenant: true,
      jwksUri: server.jwksTemplate.replace('{tenant}', 'one'),
    });
    const good = server.token('one');
    expect(verdictOf(await ask(guard, good))).toBe('allow');
    const stranger = asSigningKey('ES256', await generatePrivateKey('ES256'), server.keyOf('one').kid);
    for (let tenant = 0; tenant < 2500; tenant++) {
      expect(verdictOf(await ask(guard, server.token(`made-up-${tenant}`, {}, {}, stranger)))).toBe('bad_signature');
    }
    expect(verdictOf(await ask(guard, good))).toBe('allow');
    // one fetch for the good token, and one for all bad signatures within the cooldown
    expect(server.requestsOf('one')).toBe(2);
    expect(guard.health().issuers).toHaveLength(1);
  });
});

describe('health, warm and close', () => {
  test('health lists a tenant once a token of that tenant arrives', async () => {
    const { server, guard, verdict } = await createScene(['one', 'two']);
    expect(guard.health()).toMatchObject({ ready: true, issuers: [] });
    expect(await verdict('one')).toBe('allow');
    expect(guard.health().issuers).toMatchObject([{ issuer: server.issuerOf('one'), state: 'fresh', usable: true }]);
    server.slow('two', Infinity);
    const waiting = verdict('two');
    expect(guard.health()).toMatchObject({ ready: true, issuers: [{ state: 'fresh' }, { issuer: server.issuerOf('two'), state: 'empty' }] });
    await guard.close();
    expect(await waiting).toBe('keys_unavailable');
  });

  test('warm() fetches the keys that all tenants share, health lists them under the template, and a closed guard does not fetch them', async () => {
    const server = await createTenantServer(['one', 'two']);
    const options: GuardOptions = {
      issuer: server.template,
      audience: AUDIENCE,
      tenants: ['one', 'two'],
      jwksUri: server.jwksTemplate.replace('{tenant}', 'one'),
    };
    const guard = createResourceGuard(options);
    expect(guard.health()).toMatchObject({ ready: false, issuers: [{ issuer: server.template, state: 'empty' }] });
    await guard.warm();
    expect(guard.health()).toMatchObject({ ready: true, issuers: [{ issuer: server.template, state: 'fresh' }] });
    const closed = createResourceGuard(options);
    await closed.close();
    expect(verdictOf(await ask(closed, server.token('one')))).toBe('keys_unavailable');
    expect(server.requestsOf('one')).toBe(1);
  });

  test('close() cancels a fetch of the keys that all tenants share', async () => {
    const server = await createTenantServer(['one']);
    const guard = createResourceGuard({
      issuer: server.template,
      audience: AUDIENCE,
      tenants: ['one'],
      jwksUri: server.jwksTemplate.replace('{tenant}', 'one'),
    });
    server.slow('one', Infinity);
    const warming = guard.warm();
    await Promise.all([guard.close(), expect(warming).rejects.toThrow('cancelled, because the guard was closed')]);
  });

  test('a closed guard sends no request to a tenant that appears later', async () => {
    const { server, guard, verdict } = await createScene(['one', 'two']);
    expect(await verdict('one')).toBe('allow');
    await guard.close();
    expect(await verdict('two')).toBe('keys_unavailable');
    expect(server.requestsOf('two')).toBe(0);
    expect(await verdict('one')).toBe('allow');
  });
});

test('accepts a template beside other issuers, and throws at start-up if one of them is also a tenant of it', async () => {
  const server = await createTenantServer(['one', 'two', 'special']);
  const guard = createResourceGuard({
    audience: AUDIENCE,
    issuers: [
      { issuer: server.template, tenants: ['one', 'two'] },
      { issuer: server.issuerOf('special'), audience: 'https://special.example.test' },
    ],
  });
  expect(verdictOf(await ask(guard, server.token('one')))).toBe('allow');
  expect(verdictOf(await ask(guard, server.token('two')))).toBe('allow');
  expect(verdictOf(await ask(guard, server.token('special')))).toBe('audience_mismatch');
  expect(verdictOf(await ask(guard, server.token('special', { aud: 'https://special.example.test', tid: undefined })))).toBe('allow');
  expect(verdictOf(await ask(guard, server.token('three', {}, {}, server.keyOf('one'))))).toBe('issuer_mismatch');
  const both = [{ issuer: server.template, tenants: ['one', 'special'] }, { issuer: server.issuerOf('special') }];
  expect(() => createResourceGuard({ audience: AUDIENCE, issuers: both })).toThrow(/issuers\[1\]\.issuer: is also a tenant of/);
});
