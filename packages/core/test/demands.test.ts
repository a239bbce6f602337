import { ConfigurationError, createResourceGuard, not, role, type GuardOptions, type IssuerOptions } from '@tokenward/core';
import { cognito, entraId, google, keycloak, okta } from '@tokenward/core/presets';
import { createTestClock, createTestIssuer, type TokenOptions } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';
import { AUDIENCE, createTenantServer } from './tenant-server.js';

const clock = createTestClock();
const now = Math.floor(clock.now() / 1000);
const signer = await createTestIssuer({ clock });
afterAll(() => signer.close());

/** An option that requires something of tokens, and a token that fails only this requirement. */
interface Requirement {
  readonly name: keyof IssuerOptions;
  readonly options: IssuerOptions;
  readonly breaks: TokenOptions;
  /** A value of the same option that is weaker, or about something else. */
  readonly weaker?: IssuerOptions;
}

const requirements: readonly Requirement[] = [
  { name: 'audience', options: { audience: AUDIENCE }, breaks: { audience: 'https://other.example.test' } },
  { name: 'algorithms', options: { algorithms: ['ES256'] }, breaks: { algorithm: 'RS256' } },
  { name: 'profile', options: { profile: 'rfc9068' }, breaks: { header: { typ: 'JWT' } } },
  { name: 'requiredClaims', options: { requiredClaims: ['tenant'] }, breaks: { claims: { tenant: undefined } }, weaker: { requiredClaims: ['sub'] } },
  {
    name: 'requiredValues',
    options: { requiredValues: { tenant: 't-1' } },
    breaks: { claims: { tenant: 't-2' } },
    weaker: { requiredValues: { env: 'live' } },
  },
  {
    name: 'requiredValues',
    options: { requiredValues: { tenant: ['t-1', 't-3'] } },
    breaks: { claims: { tenant: 't-2' } },
    weaker: { requiredValues: { tenant: ['t-1', 't-2'] } },
  },
  {
    name: 'requiredValues',
    options: { requiredValues: { org: { id: ['o-1', 'o-3'], kind: 'b2b' } } },
    breaks: { claims: { org: { id: 'o-2', kind: 'b2b' } } },
    weaker: { requiredValues: { org: { id: ['o-1', 'o-2'] } } },
  },
  {
    name: 'forbiddenValues',
    options: { forbiddenValues: { anonymous: true } },
    breaks: { claims: { anonymous: true } },
    weaker: { forbiddenValues: { anonymous: 'perhaps', org: { kind: 'b2c' } } },
  },
  {
    name: 'forbiddenValues',
    options: { forbiddenValues: { org: { kind: ['b2c', 'none'] } } },
    breaks: { claims: { org: { id: 'o-1', kind: ['b2b', 'none'] } } },
    weaker: { forbiddenValues: { org: { kind: 'b2c', name: 'x' } } },
  },
  { name: 'forbiddenClaims', options: { forbiddenClaims: ['debug'] }, breaks: { claims: { debug: true } }, weaker: { forbiddenClaims: ['other'] } },
  {
    name: 'forbiddenClaims',
    options: { forbiddenClaims: [['org', 'debug'], 'trace'] },
    breaks: { claims: { org: { id: 'o-1', kind: 'b2b', debug: 1 } } },
    weaker: { forbiddenClaims: [['org', 'other']] },
  },
  { name: 'maxTokenAgeSeconds', options: { maxTokenAgeSeconds: 60 }, breaks: { claims: { iat: now - 120 } }, weaker: { maxTokenAgeSeconds: 3600 } },
  { name: 'maxTokenLifetimeSeconds', options: { maxTokenLifetimeSeconds: 300 }, breaks: { lifetimeSeconds: 600 }, weaker: { maxTokenLifetimeSeconds: 3600 } },
  { name: 'allowedClients', options: { allowedClients: ['client-1'] }, breaks: { clientId: 'client-2' }, weaker: { allowedClients: ['client-1', 'client-2'] } },
  { name: 'clockSkewSeconds', options: { clockSkewSeconds: 0 }, breaks: { lifetimeSeconds: -5 } },
];
const good: TokenOptions = { algorithm: 'ES256', claims: { tenant: 't-1', env: 'live', org: { id: 'o-1', kind: 'b2b' }, anonymous: false } };

const issuer = { issuer: signer.issuer, audience: AUDIENCE };
const allUndefined = Object.fromEntries(requirements.map(({ name }) => [name, undefined])) as IssuerOptions;

/** The places where an option can be set, with or without a weaker value in another place. */
const places: readonly [string, (options: IssuerOptions, weaker: IssuerOptions) => GuardOptions][] = [
  ['for the only issuer', (options) => ({ ...issuer, ...options })],
  [
    'for one of several issuers',
    (options) => ({
      issuers: [
        { ...issuer, ...options },
        { issuer: 'https://b.example.test', audience: 'b' },
      ],
    }),
  ],
  ['as a default for issuers', (options) => ({ audience: AUDIENCE, ...options, issuers: [{ issuer: signer.issuer }] })],
  ['as a default for issuers that set undefined', (options) => ({ audience: AUDIENCE, ...options, issuers: [{ ...allUndefined, issuer: signer.issuer }] })],
  [
    'as a default for issuers that set a weaker value',
    (options, weaker) => ({ audience: AUDIENCE, ...options, issuers: [{ ...weaker, issuer: signer.issuer }] }),
  ],
  [
    'for an issuer whose default is weaker',
    (options, weaker) => ({ audience: AUDIENCE, ...weaker, issuers: [{ ...options, issuer: signer.issuer }, { issuer: 'https://b.example.test' }] }),
  ],
  ['by a resolver', (options) => ({ issuers: () => ({ ...issuer, ...options }) })],
  ['as a default for a resolver', (options) => ({ audience: AUDIENCE, ...options, issuers: () => ({ issuer: signer.issuer }) })],
  [
    'as a default for a resolver that sets undefined',
    (options) => ({ audience: AUDIENCE, ...options, issuers: () => ({ ...allUndefined, issuer: signer.issuer }) }),
  ],
  [
    'as a default for a resolver that sets a weaker value',
    (options, weaker) => ({ audience: AUDIENCE, ...options, issuers: () => ({ ...weaker, issuer: signer.issuer }) }),
  ],
  ['by a resolver whose default is weaker', (options, weaker) => ({ audience: AUDIENCE, ...weaker, issuers: () => ({ ...options, issuer: signer.issuer }) })],
];

describe.each(places)('rule 162: enforces a requirement that is set %s', (_place, place) => {
  test.each(requirements)('$name $options', async ({ options, breaks, weaker = {} }) => {
    const guard = createResourceGuard({ clock, ...place(options, weaker) });
    onTestFinished(() => guard.close());
    const [right, wrong] = [await issue(good), await issue({ ...good, ...breaks, claims: { ...good.claims, ...breaks.claims } })];
    expect(verdictOf(await ask(guard, right))).toBe('allow');
    expect(verdictOf(await ask(guard, wrong))).not.toBe('allow');
  });
});

describe('rule 162: requirements that cannot be combined are invalid options', () => {
  test.each<[string, IssuerOptions, IssuerOptions, string]>([
    [
      'values without one in common',
      { requiredValues: { tenant: ['a', 'b'] } },
      { requiredValues: { tenant: 'c' } },
      'issuers[0].requiredValues.tenant: allows no value',
    ],
    ['clients without one in common', { allowedClients: ['a', 'b'] }, { allowedClients: ['c'] }, 'issuers[0].allowedClients: lists no client'],
    [
      'an empty list of required claims',
      { requiredClaims: ['a'] },
      { requiredClaims: [] },
      'issuers[0].requiredClaims: must be a list of one or more non-empty strings (got an empty list)',
    ],
    [
      'null as required claims',
      { requiredClaims: ['a'] },
      { requiredClaims: null as never },
      'issuers[0].requiredClaims: must be a list of one or more non-empty strings (got null)',
    ],
    [
      'an empty list of forbidden claims',
      { forbiddenClaims: ['a'] },
      { forbiddenClaims: [] },
      'issuers[0].forbiddenClaims: must be a list of one or more non-empty strings (got an empty list)',
    ],
    ['an empty path', {}, { forbiddenClaims: ['a', []] }, 'issuers[0].forbiddenClaims: must be a list of names of claims, and of paths'],
    ['a path with a number', {}, { forbiddenClaims: [['a', 1]] as never }, 'issuers[0].forbiddenClaims: must be a list of names of claims, and of paths'],
    ['a name that is no text beside a path', {}, { forbiddenClaims: [['a'], 1] as never }, 'issuers[0].forbiddenClaims: must be a list of names of claims'],
    [
      'an empty list of clients',
      { allowedClients: ['a'] },
      { allowedClients: [] },
      'issuers[0].allowedClients: must be a list of one or more non-empty strings (got an empty list)',
    ],
    [
      'null as required values',
      { requiredValues: { a: 1 } },
      { requiredValues: null as never },
      'issuers[0].requiredValues: must be an object from names of claims',
    ],
    [
      'undefined as a required value',
      { requiredValues: { a: 1 } },
      { requiredValues: { b: undefined as never } },
      'issuers[0].requiredValues.b: must be a value',
    ],
    [
      'members without a value in common',
      { requiredValues: { org: { id: 'a' } } },
      { requiredValues: { org: { id: 'b' } } },
      'issuers[0].requiredValues.org.id: allows no value',
    ],
    ['members beside a value', { requiredValues: { org: { id: 'a' } } }, { requiredValues: { org: 'a' } }, 'issuers[0].requiredValues.org: allows no value'],
    [
      'forbidden members beside a forbidden value',
      { forbiddenValues: { org: { id: 'a' } } },
      { forbiddenValues: { org: 'a' } },
      'issuers[0].forbiddenValues.org: must have the same form',
    ],
    ['an empty object of members', {}, { requiredValues: { org: {} } }, 'issuers[0].requiredValues.org: must be an object from names of members'],
    ['null as a member', {}, { forbiddenValues: { org: { id: null as never } } }, 'issuers[0].forbiddenValues.org.id: must be a value'],
    [
      'members of members without end',
      {},
      { forbiddenValues: Array.from({ length: 9 }).reduce<object>((inner) => ({ a: inner }), { a: 1 }) as never },
      'issuers[0].forbiddenValues.a.a.a.a.a.a.a.a: must be an object',
    ],
    [
      'null as the maximum age',
      { maxTokenAgeSeconds: 60 },
      { maxTokenAgeSeconds: null as never },
      'issuers[0].maxTokenAgeSeconds: must be a number from 1 to 3153600000 (got null)',
    ],
    ['null as the profile', { profile: 'rfc9068' }, { profile: null as never }, "issuers[0].profile: must be 'rfc9068'"],
  ])('reports %s', (_what, beside, own, message) => {
    expect(() => createResourceGuard({ audience: 'a', ...beside, issuers: [{ issuer: 'https://a.example.test', ...own }] })).toThrow(message);
  });

  test('refuses every token if a resolver returns requirements that contradict the defaults', async () => {
    const guard = createResourceGuard({ clock, audience: AUDIENCE, allowedClients: ['a'], issuers: () => ({ issuer: signer.issuer, allowedClients: ['b'] }) });
    for (const clientId of ['a', 'b']) expect(verdictOf(await ask(guard, await issue({ clientId })))).toBe('issuer_unavailable');
  });

  test('refuses a token if a resolver returns undefined as a required value', async () => {
    let tenant: string | undefined;
    const guard = createResourceGuard({
      clock,
      audience: AUDIENCE,
      issuers: () => ({ issuer: signer.issuer, requiredValues: { env: 'live', ...(tenant === '' ? {} : { tenant: tenant as string }) } }),
    });
    tenant = '';
    expect(verdictOf(await ask(guard, await issue(good)))).toBe('allow');
    tenant = undefined;
    expect(verdictOf(await ask(guard, await issue({ claims: { env: 'live', tenant: 'stranger' } })))).toBe('issuer_unavailable');
  });
});

describe('rule 162: a required tid', () => {
  const places: readonly [string, (template: string, jwksUri: string) => GuardOptions][] = [
    ['for a template', (issuer, jwksUri) => ({ issuer, jwksUri, audience: AUDIENCE, unsafeAcceptAnyTenant: true, requiredValues: { tid: ['one'] } })],
    [
      'as a default for issuers',
      (issuer, jwksUri) => ({ audience: AUDIENCE, requiredValues: { tid: 'one' }, issuers: [{ issuer, jwksUri, unsafeAcceptAnyTenant: true }] }),
    ],
    [
      'for a listed issuer',
      (issuer, jwksUri) => ({ audience: AUDIENCE, issuers: [{ issuer, jwksUri, unsafeAcceptAnyTenant: true, requiredValues: { tid: ['one'] } }] }),
    ],
    [
      'for a template with listed tenants',
      (issuer, jwksUri) => ({ issuer, jwksUri, audience: AUDIENCE, tenants: ['one', 'two'], requiredValues: { tid: ['one'] } }),
    ],
  ];

  test.each(places)('set %s, must match as well as the tenant in iss', async (_place, place) => {
    const server = await createTenantServer(['one', 'two']);
    const guard = createResourceGuard(place(server.template, server.jwksTemplate.replace('{tenant}', 'one')));
    const key = server.keyOf('one');
    expect(verdictOf(await ask(guard, server.token('one')))).toBe('allow');
    expect(verdictOf(await ask(guard, server.token('two', {}, {}, key)))).toBe('invalid_claim');
    expect(verdictOf(await ask(guard, server.token('two', { tid: 'one' }, {}, key)))).toBe('invalid_claim');
  });

  test('is an invalid option if it is not one of the tenants', () => {
    const options = { issuer: 'https://login.example.test/{tenant}/v2.0', audience: 'a', tenants: ['one'] };
    expect(() => createResourceGuard({ ...options, requiredValues: { tid: 'two' } })).toThrow('requiredValues.tid: allows none of the tenants');
  });
});

describe('rule 162: the requirements of a preset apply together with those spread over it', () => {
  const more: IssuerOptions = { requiredClaims: ['tenant'], requiredValues: { tenant: 't-1' }, forbiddenClaims: ['debug'] };
  const presets: readonly [string, GuardOptions, Record<string, unknown>, Record<string, unknown>][] = [
    ['keycloak', keycloak({ url: 'https://a.example.test', realm: 'r', audience: AUDIENCE }), { typ: 'Bearer' }, { typ: 'Other' }],
    ['okta', okta({ domain: 'a.okta.com', audience: AUDIENCE }), { cid: 'c', client_id: undefined }, { cid: undefined }],
    ['google', google({ audience: AUDIENCE, serviceAccounts: ['104029292853099978293'] }), { sub: '104029292853099978293' }, { sub: '9' }],
    [
      'cognito',
      cognito({ region: 'us-east-1', userPoolId: 'us-east-1_x', clientIds: ['c'] }),
      { token_use: 'access', client_id: 'c', aud: undefined },
      { token_use: 'other' },
    ],
    [
      'cognito (clients)',
      cognito({ region: 'us-east-1', userPoolId: 'us-east-1_x', clientIds: ['c'] }),
      { token_use: 'access', client_id: 'c', aud: undefined },
      { client_id: 'x' },
    ],
    [
      'cognito (aud)',
      cognito({ region: 'us-east-1', userPoolId: 'us-east-1_x', clientIds: ['c'] }),
      { token_use: 'access', client_id: 'c', aud: undefined },
      { aud: 'other' },
    ],
  ];

  test.each(presets)('enforces both for %s', async (_name, preset, right, wrong) => {
    const claims = { iss: preset.issuer, tenant: 't-1', ...right };
    const guards: GuardOptions[] = [
      { ...preset, ...more },
      { ...preset, ...more, allowedClients: ['client-1', 'c', 'x'] },
      { issuers: [{ ...preset, ...more }] },
      { ...more, issuers: [preset] },
      { issuers: () => ({ ...preset, ...more }) },
    ];
    for (const options of guards) {
      const guard = createResourceGuard({ clock, ...withKeys(options) });
      const verdict = async (changes: Record<string, unknown>) => verdictOf(await ask(guard, await issue({ claims: { ...claims, ...changes } })));
      expect(await verdict({})).toBe('allow');
      expect(await verdict(wrong)).not.toBe('allow');
      expect(await verdict({ tenant: 't-2' })).toBe('invalid_claim');
      expect(await verdict({ debug: 1 })).toBe('invalid_claim');
    }
  });

  test('a value that the preset does not allow is an invalid option', () => {
    const preset = keycloak({ url: 'https://a.example.test', realm: 'r', audience: 'a' });
    expect(() => createResourceGuard({ ...preset, requiredValues: { typ: 'Offline' } })).toThrow(ConfigurationError);
    expect(() => createResourceGuard({ ...preset, requiredValues: { typ: 'Offline' } })).toThrow('requiredValues.typ: allows no value that');
  });
});

test('rule 162: default members of keyFetching apply to an issuer that sets other members', async () => {
  const guard = createResourceGuard({
    audience: AUDIENCE,
    keyFetching: { maxKeys: 1, timeoutSeconds: 4 },
    issuers: [{ issuer: signer.issuer, keyFetching: { timeoutSeconds: 5, maxKeys: undefined } }],
  });
  await signer.signingKey('ES256');
  await signer.signingKey('RS256');
  await expect(guard.warm()).rejects.toThrow('more than the 1 allowed');
});

/** Issues a token as the providers of the presets would, signed with the key that the guards get. */
function issue({ claims, ...wanted }: TokenOptions): Promise<string> {
  return signer.issueToken({ audience: AUDIENCE, ...wanted, claims: { tenant: 't-1', env: 'live', ...claims } });
}

function withKeys(options: GuardOptions): GuardOptions {
  const keys = { jwks: signer.jwks };
  const issuers = options.issuers;
  if (typeof issuers === 'function') return { ...options, issuers: (...asked) => ({ ...(issuers(...asked) as IssuerOptions), ...keys }) };
  return issuers ? { ...options, issuers: issuers.map((one) => ({ ...one, ...keys })) } : { ...options, ...keys };
}

test('rule 162: a default that each of the issuers replaces is an invalid option, even if it is spread over a preset', () => {
  const preset = entraId({ tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', audience: 'https://wide.example' });
  for (const more of [{ audience: 'https://only-this.example' }, { unsafeAcceptTokensForAnyAudience: true }]) {
    expect(() => createResourceGuard({ ...preset, ...more } as GuardOptions)).toThrow(/has no effect, since each of the issuers sets its own/);
  }
  expect(() => createResourceGuard({ issuers: [{ issuer: 'https://a.example', audience: 'a', algorithms: ['ES256'] }], algorithms: ['RS256'] })).toThrow(
    /algorithms: has no effect/,
  );
});

test('rules 96 and 162: a list with holes is not accepted as a list', async () => {
  // eslint-disable-next-line no-sparse-arrays -- the list under test
  const holes = [, 'a'] as string[];
  for (const name of ['audience', 'requiredClaims', 'allowedClients']) {
    expect(() => createResourceGuard({ issuer: 'https://a.example', audience: 'a', [name]: holes })).toThrow(new RegExp(name));
  }
  const { decide } = await createScene({ rolesClaim: () => holes });
  expect(await decide({}, { policy: not(role('zz')) })).toMatchObject({ outcome: 'deny' });
});
