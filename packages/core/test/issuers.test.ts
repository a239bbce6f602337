import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { allOf, anyOf, ConfigurationError, createResourceGuard, issuedBy, not, role, scope, type Events, type GuardOptions } from '@tokenward/core';
import {
  asSigningKey,
  createTestClock,
  createTestIssuer,
  generatePrivateKey,
  type TestClock,
  type TestIssuer,
  type TestIssuerOptions,
} from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, expectAllowed, verdictOf } from './guarded.js';
import { spyOnNetwork } from './network-spy.js';
import { AUDIENCE, createTenantServer } from './tenant-server.js';

const CUSTOMERS = 'https://customers.example.test';
const PARTNERS = 'https://partners.example.test';

/** Creates two issuers with different audiences and algorithms. */
async function createPair(of: TestIssuerOptions = {}): Promise<{ clock: TestClock; ours: TestIssuer; partner: TestIssuer }> {
  const clock = createTestClock();
  const ours = await createTestIssuer({ clock, audience: CUSTOMERS, algorithm: 'ES256', ...of });
  const partner = await createTestIssuer({ clock, audience: PARTNERS, algorithm: 'EdDSA', ...of });
  onTestFinished(() => Promise.all([ours.close(), partner.close()]).then(() => {}));
  return { clock, ours, partner };
}

describe('several issuers', () => {
  test('each has its own audience, algorithms, claim names, skew and keys', async () => {
    const { clock, ours, partner } = await createPair();
    const guard = createResourceGuard({
      clock,
      issuers: [
        { issuer: ours.issuer, audience: CUSTOMERS, algorithms: ['ES256'], clockSkewSeconds: 0, rolesClaim: 'groups', requiredClaims: ['sid'] },
        {
          issuer: partner.issuer,
          audience: PARTNERS,
          jwksUri: partner.jwksUri,
          algorithms: ['EdDSA'],
          clockSkewSeconds: 120,
          rolesClaim: ['realm_access', 'roles'],
          clientIdClaim: 'cid',
        },
      ],
    });
    const mine = { claims: { groups: ['admin'], realm_access: { roles: ['guest'] }, sid: 's' } };
    const theirs = { claims: { groups: ['admin'], realm_access: { roles: ['guest'] }, client_id: undefined, cid: 'their-client' } };
    const verdict = async (issuer: TestIssuer, wanted: Parameters<TestIssuer['issueToken']>[0]) => verdictOf(await ask(guard, await issuer.issueToken(wanted)));

    expect(expectAllowed(await ask(guard, await ours.issueToken(mine))).auth).toMatchObject({ issuer: ours.issuer, roles: ['admin'], clientId: 'client-1' });
    expect(expectAllowed(await ask(guard, await partner.issueToken(theirs))).auth).toMatchObject({
      issuer: partner.issuer,
      roles: ['guest'],
      clientId: 'their-client',
    });
    expect(await verdict(ours, { ...mine, audience: PARTNERS })).toBe('audience_mismatch');
    expect(await verdict(partner, { ...theirs, audience: CUSTOMERS })).toBe('audience_mismatch');
    expect(await verdict(ours, { ...mine, algorithm: 'EdDSA' })).toBe('algorithm_not_allowed');
    expect(await verdict(partner, { ...theirs, algorithm: 'ES256' })).toBe('algorithm_not_allowed');
    expect(await verdict(ours, { claims: { groups: ['admin'] } })).toBe('missing_claim');
    expect(await verdict(ours, { ...mine, lifetimeSeconds: -1 })).toBe('expired');
    expect(await verdict(partner, { ...theirs, lifetimeSeconds: -1 })).toBe('allow');
    expect(await verdict(partner, { ...theirs, lifetimeSeconds: -121 })).toBe('expired');
    expect(partner.requests.metadata).toBe(0);
  });

  test('applies default options to issuers that do not set them, or set them to undefined', async () => {
    const { clock, ours, partner } = await createPair();
    const guard = createResourceGuard({
      clock,
      audience: CUSTOMERS,
      maxTokenLifetimeSeconds: 600,
      allowedClients: ['client-1'],
      issuers: [
        { issuer: ours.issuer, maxTokenLifetimeSeconds: undefined, allowedClients: undefined },
        { issuer: partner.issuer, audience: PARTNERS, maxTokenLifetimeSeconds: 60 },
      ],
    });
    expect(verdictOf(await ask(guard, await ours.issueToken({ lifetimeSeconds: 600 })))).toBe('allow');
    expect(verdictOf(await ask(guard, await ours.issueToken({ lifetimeSeconds: 601 })))).toBe('lifetime_too_long');
    expect(verdictOf(await ask(guard, await ours.issueToken({ clientId: 'client-2' })))).toBe('client_not_allowed');
    expect(verdictOf(await ask(guard, await partner.issueToken({ lifetimeSeconds: 60 })))).toBe('allow');
    expect(verdictOf(await ask(guard, await partner.issueToken({ lifetimeSeconds: 61 })))).toBe('lifetime_too_long');
    expect(verdictOf(await ask(guard, await partner.issueToken({ lifetimeSeconds: 60, clientId: 'client-2' })))).toBe('client_not_allowed');
  });

  test('an issuer with secrets and one with public keys each accept only their own kind of signature', async () => {
    const { clock, ours } = await createPair();
    const secret = await createTestIssuer({ clock, audience: CUSTOMERS, algorithm: 'HS256' });
    onTestFinished(() => secret.close());
    const guard = createResourceGuard({
      clock,
      audience: CUSTOMERS,
      issuers: [{ issuer: ours.issuer }, { issuer: secret.issuer, sharedSecrets: secret.sharedSecrets }],
    });
    expect(verdictOf(await ask(guard, await ours.issueToken()))).toBe('allow');
    expect(verdictOf(await ask(guard, await secret.issueToken()))).toBe('allow');
    const ofSecret = await secret.signingKey();
    expect(verdictOf(await ask(guard, await ours.issueToken({ key: ofSecret })))).toBe('algorithm_not_allowed');
    expect(verdictOf(await ask(guard, await secret.issueToken({ key: await ours.signingKey() })))).toBe('algorithm_not_allowed');
  });

  test('a list of one issuer works like one issuer', async () => {
    const { clock, ours } = await createPair();
    const guard = createResourceGuard({ clock, issuers: [{ issuer: ours.issuer, audience: CUSTOMERS }] });
    expect(verdictOf(await ask(guard, await ours.issueToken()))).toBe('allow');
    expect(verdictOf(await ask(guard, await ours.issueToken({ claims: { iss: 'https://other.example.test' } })))).toBe('issuer_mismatch');
  });
});

const SECRET = randomBytes(32);

describe('invalid options', () => {
  const one = { issuer: 'https://one.example.test', audience: 'a' };
  const two = { issuer: 'https://two.example.test', audience: 'b' };

  test.each<[string, unknown, string[]]>([
    ['a string as issuers', { issuers: 'https://one.example.test' }, ['issuers']],
    ['an object as issuers', { issuers: one }, ['issuers']],
    ['an empty list', { issuers: [] }, ['issuers']],
    [
      'more than a thousand issuers',
      { issuers: Array.from({ length: 1001 }, (_, index) => ({ ...one, issuer: `https://${index}.example.test` })) },
      ['issuers'],
    ],
    ['a URL as an issuer', { issuers: [one, 'https://two.example.test'] }, ['issuers[1]']],
    ['null as an issuer', { issuers: [null, two] }, ['issuers[0]']],
    ['an issuer without an audience', { issuers: [one, { issuer: two.issuer }] }, ['issuers[1].audience']],
    ['an entry without an issuer', { issuers: [{ audience: 'a' }, two] }, ['issuers[0].issuer']],
    ['two entries without an issuer', { issuers: [{ audience: 'a' }, { audience: 'a' }] }, ['issuers[0].issuer', 'issuers[1].issuer']],
    ['a duplicated issuer', { issuers: [one, two, { ...one, audience: 'b' }] }, ['issuers[2].issuer']],
    ['an option of the guard in an issuer', { issuers: [one, { ...two, realm: 'x' }] }, ['issuers[1].realm']],
    ['an unknown nested option in an issuer', { issuers: [one, { ...two, keyFetching: { retries: 1 } }] }, ['issuers[1].keyFetching.retries']],
    ['an unknown algorithm in an issuer', { issuers: [{ ...one, algorithms: ['none'] }, two] }, ['issuers[0].algorithms']],
    [
      'an issuer with jwks and jwksUri',
      { issuers: [{ ...one, jwksUri: 'https://one.example.test/k', jwks: { keys: [] } }, two] },
      ['issuers[0].jwks', 'issuers[0].jwks'],
    ],
    ['an issuer with tenants but without {tenant}', { issuers: [one, { ...two, tenants: ['x'] }] }, ['issuers[1].tenants']],
    ['issuer together with issuers', { issuers: [one, two], issuer: 'https://three.example.test' }, ['issuer']],
    [
      'a secret that two issuers share',
      {
        issuers: [
          { ...one, sharedSecrets: { base64url: SECRET.toString('base64url') } },
          { ...two, sharedSecrets: [{ hex: SECRET.toString('hex') }] },
        ],
      },
      ['issuers[1].sharedSecrets'],
    ],
    ['tenants together with issuers', { issuers: [one, two], tenants: ['x'] }, ['tenants']],
    ['jwksUri together with issuers', { issuers: [one, two], jwksUri: 'https://one.example.test/k' }, ['jwksUri']],
    ['sharedSecrets together with a resolver', { issuers: () => undefined, audience: 'a', sharedSecrets: new Uint8Array(1) }, ['sharedSecrets']],
    ['an invalid default once', { issuers: [one, two], clockSkewSeconds: 900 }, ['clockSkewSeconds']],
    [
      'an invalid default together with an issuer that sets another value',
      { issuers: [{ ...one, clockSkewSeconds: 1 }], clockSkewSeconds: 900 },
      ['clockSkewSeconds'],
    ],
    ['an invalid default of a resolver', { issuers: () => undefined, algorithms: ['none'], audience: 'a' }, ['algorithms']],
    [
      'invalid defaults together with an invalid issuer',
      { issuers: [one, { issuer: 'x' }], audience: '', keyFetching: 1 },
      ['keyFetching', 'audience', 'issuers[1].issuer'],
    ],
  ])('reports %s', (_name, options, paths) => {
    let problems: string[] = [];
    try {
      createResourceGuard(options as GuardOptions);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems = error.problems.map(({ path }) => path);
    }
    expect(problems.toSorted()).toEqual(paths.toSorted());
  });

  test('environment variables do not fill in options of listed issuers', () => {
    const before = process.env['AUDIENCE'];
    process.env['AUDIENCE'] = 'https://api.example.test';
    onTestFinished(() => {
      if (before === undefined) delete process.env['AUDIENCE'];
      else process.env['AUDIENCE'] = before;
    });
    expect(() => createResourceGuard({ issuers: [{ issuer: one.issuer }, two] })).toThrow(/issuers\[0\]\.audience: is missing/);
  });
});

describe('the issuer of a token', () => {
  test('rule 33: refuses a token of one issuer that is signed with the key of another', async () => {
    const { clock, ours, partner } = await createPair({ algorithm: 'ES256', audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    await guard.warm();
    const theirs = await partner.signingKey();
    expect(verdictOf(await ask(guard, await partner.issueToken()))).toBe('allow');
    expect(verdictOf(await ask(guard, await ours.issueToken({ key: theirs })))).toBe('unknown_key');
    expect(verdictOf(await ask(guard, await ours.issueToken({ key: theirs, header: { kid: undefined } })))).toBe('bad_signature');
    expect(verdictOf(await ask(guard, await partner.issueToken({ claims: { iss: ours.issuer } })))).toBe('unknown_key');
    const { kid } = await ours.signingKey();
    expect(verdictOf(await ask(guard, await ours.issueToken({ key: theirs, header: { kid } })))).toBe('bad_signature');
  });

  test('rules 33 and 63: keeps the keys of two issuers on one host apart, even if they share a kid', async () => {
    const server = await createTenantServer(['one', 'two']);
    const [first, second] = await Promise.all([generatePrivateKey('ES256'), generatePrivateKey('ES256')]);
    const mine = asSigningKey('ES256', first, 'key-1');
    const theirs = asSigningKey('ES256', second, 'key-1');
    server.publish('one', [mine]);
    server.publish('two', [theirs]);
    const guard = createResourceGuard({ audience: AUDIENCE, issuers: [{ issuer: server.issuerOf('one') }, { issuer: server.issuerOf('two') }] });
    for (let round = 0; round < 2; round++) {
      expect(verdictOf(await ask(guard, server.token('one', {}, {}, mine)))).toBe('allow');
      expect(verdictOf(await ask(guard, server.token('two', {}, {}, theirs)))).toBe('allow');
      expect(verdictOf(await ask(guard, server.token('one', {}, {}, theirs)))).toBe('bad_signature');
      expect(verdictOf(await ask(guard, server.token('two', {}, {}, mine)))).toBe('bad_signature');
    }
    expect([server.requestsOf('one'), server.requestsOf('two')]).toEqual([3, 3]);
  });

  test('rule 63: an issuer that serves metadata in the name of another adds no key to that issuer', async () => {
    const { clock, ours, partner } = await createPair({ algorithm: 'ES256', audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    partner.misbehave({ document: { issuer: ours.issuer, jwks_uri: partner.jwksUri } }, 'metadata');
    await expect(guard.warm()).rejects.toThrow('exactly equal');
    const theirs = await partner.signingKey();
    expect(verdictOf(await ask(guard, await ours.issueToken({ key: theirs })))).toBe('unknown_key');
    expect(verdictOf(await ask(guard, await ours.issueToken()))).toBe('allow');
    expect(verdictOf(await ask(guard, await partner.issueToken()))).toBe('keys_unavailable');
    expect(guard.health().issuers.map(({ issuer, keyIds }) => [issuer, keyIds])).toEqual([
      [ours.issuer, [(await ours.signingKey()).kid]],
      [partner.issuer, []],
    ]);
  });

  test.each<[string, (issuer: string) => unknown]>([
    ['a final slash', (issuer) => `${issuer}/`],
    ['upper case', (issuer) => issuer.toUpperCase()],
    ['a missing port', (issuer) => issuer.replace(/:\d+$/, '')],
    ['percent-encoding', (issuer) => issuer.replace('127', '%3127')],
    ['only a prefix of it', (issuer) => issuer.slice(0, -1)],
    ['one more character', (issuer) => `${issuer}0`],
    ['a leading space', (issuer) => ` ${issuer}`],
    ['__proto__', () => '__proto__'],
    ['a list that contains it', (issuer) => [issuer]],
    ['an object', (issuer) => ({ toString: issuer })],
    ['no iss', () => undefined],
    ['null', () => null],
  ])('rule 39: compares iss exactly with each of several issuers: %s', async (_name, claim) => {
    const { clock, ours, partner } = await createPair({ audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    await guard.warm();
    expect(await ask(guard, await ours.issueToken({ claims: { iss: claim(ours.issuer) } }))).toMatchObject({
      status: 401,
      reason: 'issuer_mismatch',
      cause: 'iss',
    });
  });

  test('rule 52: an unknown issuer causes no DNS lookup and no connection', async () => {
    const { clock, ours, partner } = await createPair({ audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    const stranger = asSigningKey('ES256', await generatePrivateKey('ES256'));
    const network = spyOnNetwork();
    for (const iss of ['https://login.stranger.example.test', `${ours.issuer}/../x`, 'http://127.0.0.1:1', 'https://169.254.169.254/', 'ldap://x']) {
      for (const key of [stranger, undefined]) {
        expect(verdictOf(await ask(guard, await ours.issueToken({ key, claims: { iss, jku: iss }, header: { jku: iss, x5u: iss } })))).toBe('issuer_mismatch');
      }
    }
    expect(network.count).toBe(0);
    expect(verdictOf(await ask(guard, await ours.issueToken()))).toBe('allow');
    expect(network.count).toBeGreaterThan(0);
  });
});

test.each<[string, GuardOptions]>([
  ['audience', { audience: 'https://another.example.test' }],
  ['clock skew', { clockSkewSeconds: 0 }],
  ['profile', { profile: 'rfc9068' }],
  ['list of allowed clients', { allowedClients: ['client-2'] }],
  ['list of algorithms', { algorithms: ['RS256'] }],
  ['source of keys', { jwks: { keys: [] } }],
])('rule 69: a guard with another %s shares no cached token with the first', async (_name, more) => {
  const { clock, ours } = await createPair({ audience: AUDIENCE });
  const usual: GuardOptions = { clock, issuer: ours.issuer, audience: AUDIENCE };
  if ('jwks' in more) more = { jwks: { keys: [asSigningKey('ES256', await generatePrivateKey('ES256'), (await ours.signingKey()).kid).publicJwk] } };
  const token = await ours.issueToken({ lifetimeSeconds: -10, header: { typ: 'JWT' } });
  const first = createResourceGuard(usual);
  const second = createResourceGuard({ ...usual, ...more });
  for (let round = 0; round < 3; round++) {
    expect(verdictOf(await ask(first, token))).toBe('allow');
    expect(verdictOf(await ask(second, token))).not.toBe('allow');
  }
  expect(first.health().tokenCache).toMatchObject({ entries: 1, hits: 2 });
  expect(second.health().tokenCache).toMatchObject({ entries: 0, hits: 0 });
});

describe('issuedBy', () => {
  async function createPolicyScene() {
    const { clock, ours, partner } = await createPair({ audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    return { ours, partner, guard };
  }

  test('sets different requirements for each issuer inside anyOf and allOf', async () => {
    const { ours, partner, guard } = await createPolicyScene();
    const policy = anyOf(allOf(issuedBy(ours.issuer), scope('orders:read')), allOf(issuedBy(partner.issuer), scope('read'), role('buyer')));
    const verdict = async (issuer: TestIssuer, wanted: object) => verdictOf(await ask(guard, await issuer.issueToken(wanted), { policy }));
    expect(await verdict(ours, { scopes: ['orders:read'] })).toBe('allow');
    expect(await verdict(ours, { scopes: ['read'], roles: ['buyer'] })).toMatch(/^insufficient_/);
    expect(await verdict(partner, { scopes: ['read'], roles: ['buyer'] })).toBe('allow');
    expect(await verdict(partner, { scopes: ['read'] })).toMatch(/^insufficient_/);
    expect(await verdict(partner, { scopes: ['orders:read'], roles: ['buyer'] })).toMatch(/^insufficient_/);
  });

  test('works alone, with several issuers and inside not()', async () => {
    const { ours, partner, guard } = await createPolicyScene();
    const verdict = async (issuer: TestIssuer, policy: Parameters<typeof not>[0]) => verdictOf(await ask(guard, await issuer.issueToken(), { policy }));
    expect(await verdict(ours, issuedBy(ours.issuer))).toBe('allow');
    expect(await verdict(partner, issuedBy(ours.issuer))).toBe('insufficient_claim');
    expect(await verdict(partner, issuedBy(ours.issuer, partner.issuer))).toBe('allow');
    expect(await verdict(ours, issuedBy(`${ours.issuer}/`, ours.issuer.toUpperCase()))).toBe('insufficient_claim');
    expect(await verdict(ours, not(issuedBy(partner.issuer)))).toBe('allow');
    expect(await verdict(partner, not(issuedBy(partner.issuer)))).toBe('policy_refused');
    expect(await verdict(partner, allOf(not(issuedBy(ours.issuer)), issuedBy(partner.issuer)))).toBe('allow');
  });
});

describe('what operators see', () => {
  /** Collects the events of one kind until the test ends. */
  function listen<N extends keyof Events>(name: N): Events[N][] {
    const seen: Events[N][] = [];
    const hear = (event: unknown) => void seen.push(event as Events[N]);
    subscribe(name, hear);
    onTestFinished(() => void unsubscribe(name, hear));
    return seen;
  }

  test('rule 143: events name the issuer of a token, or all configured issuers if it is unknown', async () => {
    const { clock, ours, partner } = await createPair({ audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    const accepted = listen('tokenward:accepted');
    const refused = listen('tokenward:refused');
    const refreshed = listen('tokenward:keys-refreshed');
    await ask(guard, await ours.issueToken());
    await ask(guard, await partner.issueToken());
    await ask(guard, await partner.issueToken({ lifetimeSeconds: -300 }));
    await ask(guard, await partner.issueToken({ audience: 'x' }));
    await ask(guard, await ours.issueToken({ claims: { iss: 'https://made-up.example.test' } }));
    await guard.check({ method: 'GET', target: '/', headers: {} });
    expect(accepted.map(({ issuer }) => issuer)).toEqual([ours.issuer, partner.issuer]);
    const both = `${ours.issuer}, ${partner.issuer}`;
    expect(refused.map(({ issuer, reason }) => [issuer, reason])).toEqual([
      [partner.issuer, 'expired'],
      [partner.issuer, 'audience_mismatch'],
      [both, 'issuer_mismatch'],
      [both, 'missing_token'],
    ]);
    expect(refreshed.map(({ issuer }) => issuer)).toEqual([ours.issuer, partner.issuer]);
    expect(JSON.stringify([accepted, refused])).not.toContain('made-up');
  });

  test('reports the health of each issuer, and is ready if one of them has usable keys', async () => {
    const { clock, ours, partner } = await createPair({ audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    const failed = listen('tokenward:keys-failed');
    expect(guard.health()).toMatchObject({ ready: false, issuers: [{ state: 'empty' }, { state: 'empty' }] });
    partner.misbehave('error');
    await expect(guard.warm()).rejects.toThrow(partner.issuer);
    expect(failed).toMatchObject([{ issuer: partner.issuer, usable: false }]);
    expect(guard.health()).toMatchObject({
      ready: true,
      issuers: [
        { issuer: ours.issuer, state: 'fresh', usable: true, lastError: undefined },
        { issuer: partner.issuer, state: 'empty', usable: false, lastError: expect.stringContaining('status 500') },
      ],
    });
    expect(verdictOf(await ask(guard, await ours.issueToken()))).toBe('allow');
    expect(await ask(guard, await partner.issueToken())).toMatchObject({ status: 503, reason: 'keys_unavailable' });
    partner.behave();
    clock.advance(1);
    expect(verdictOf(await ask(guard, await partner.issueToken()))).toBe('allow');
    expect(guard.health()).toMatchObject({ ready: true, issuers: [{ state: 'fresh' }, { state: 'fresh', lastError: undefined }] });
  });

  test('a closed guard sends no request to any of them', async () => {
    const { clock, ours, partner } = await createPair({ audience: AUDIENCE });
    const guard = createResourceGuard({ clock, audience: AUDIENCE, issuers: [{ issuer: ours.issuer }, { issuer: partner.issuer }] });
    await guard.close();
    for (const issuer of [ours, partner]) {
      expect(await ask(guard, await issuer.issueToken())).toMatchObject({ status: 503, reason: 'keys_unavailable' });
      expect(issuer.requests).toEqual({ metadata: 0, jwks: 0 });
    }
  });
});
