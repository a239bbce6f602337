import {
  cognito,
  ConfigurationError,
  createResourceGuard,
  entraId,
  google,
  keycloak,
  not,
  okta,
  role,
  type GuardOptions,
  type IssuerOptions,
} from '@tokenward/core';
import { createTestClock, createTestIssuer, type TokenWishes } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';
import { AUDIENCE, createTenantServer } from './tenant-server.js';

const clock = createTestClock();
const now = Math.floor(clock.now() / 1000);
const signer = await createTestIssuer({ clock });
afterAll(() => signer.close());

/** An option that demands something of tokens, and a token that lacks nothing but that. */
interface Demand {
  readonly name: keyof IssuerOptions;
  readonly options: IssuerOptions;
  readonly breaks: TokenWishes;
  /** A value beside the demand that is itself weaker, or about something else. */
  readonly weaker?: IssuerOptions;
}

const demands: readonly Demand[] = [
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
  { name: 'forbiddenClaims', options: { forbiddenClaims: ['debug'] }, breaks: { claims: { debug: true } }, weaker: { forbiddenClaims: ['other'] } },
  { name: 'maxTokenAgeSeconds', options: { maxTokenAgeSeconds: 60 }, breaks: { claims: { iat: now - 120 } }, weaker: { maxTokenAgeSeconds: 3600 } },
  { name: 'maxTokenLifetimeSeconds', options: { maxTokenLifetimeSeconds: 300 }, breaks: { lifetimeSeconds: 600 }, weaker: { maxTokenLifetimeSeconds: 3600 } },
  { name: 'allowedClients', options: { allowedClients: ['client-1'] }, breaks: { clientId: 'client-2' }, weaker: { allowedClients: ['client-1', 'client-2'] } },
  { name: 'clockSkewSeconds', options: { clockSkewSeconds: 0 }, breaks: { lifetimeSeconds: -5 } },
];
const good: TokenWishes = { algorithm: 'ES256', claims: { tenant: 't-1', env: 'live' } };

const issuer = { issuer: signer.issuer, audience: AUDIENCE };
const undone = Object.fromEntries(demands.map(({ name }) => [name, undefined])) as IssuerOptions;

/** Where options can stand, each with what else is said there. */
const places: readonly [string, (options: IssuerOptions, weaker: IssuerOptions) => GuardOptions][] = [
  ['of the one issuer', (options) => ({ ...issuer, ...options })],
  [
    'of one of several issuers',
    (options) => ({
      issuers: [
        { ...issuer, ...options },
        { issuer: 'https://b.example.test', audience: 'b' },
      ],
    }),
  ],
  ['beside several issuers', (options) => ({ audience: AUDIENCE, ...options, issuers: [{ issuer: signer.issuer }] })],
  ['beside issuers that say undefined', (options) => ({ audience: AUDIENCE, ...options, issuers: [{ ...undone, issuer: signer.issuer }] })],
  ['beside issuers that say less', (options, weaker) => ({ audience: AUDIENCE, ...options, issuers: [{ ...weaker, issuer: signer.issuer }] })],
  [
    'of an issuer beside which less is said',
    (options, weaker) => ({ audience: AUDIENCE, ...weaker, issuers: [{ ...options, issuer: signer.issuer }, { issuer: 'https://b.example.test' }] }),
  ],
  ['that a resolver answers', (options) => ({ issuers: () => ({ ...issuer, ...options }) })],
  ['beside a resolver', (options) => ({ audience: AUDIENCE, ...options, issuers: () => ({ issuer: signer.issuer }) })],
  ['beside a resolver that answers undefined', (options) => ({ audience: AUDIENCE, ...options, issuers: () => ({ ...undone, issuer: signer.issuer }) })],
  ['beside a resolver that answers less', (options, weaker) => ({ audience: AUDIENCE, ...options, issuers: () => ({ ...weaker, issuer: signer.issuer }) })],
  ['of an answer beside which less is said', (options, weaker) => ({ audience: AUDIENCE, ...weaker, issuers: () => ({ ...options, issuer: signer.issuer }) })],
];

describe.each(places)('rule 162: what is demanded %s holds', (_place, place) => {
  test.each(demands)('$name $options', async ({ options, breaks, weaker = {} }) => {
    const guard = createResourceGuard({ clock, ...place(options, weaker) });
    onTestFinished(() => guard.close());
    const [right, wrong] = [await issue(good), await issue({ ...good, ...breaks, claims: { ...good.claims, ...breaks.claims } })];
    expect(verdictOf(await ask(guard, right))).toBe('allow');
    expect(verdictOf(await ask(guard, wrong))).not.toBe('allow');
  });
});

describe('rule 162: what can not be demanded together stops the start', () => {
  test.each<[string, IssuerOptions, IssuerOptions, string]>([
    ['values', { requiredValues: { tenant: ['a', 'b'] } }, { requiredValues: { tenant: 'c' } }, 'issuers[0].requiredValues.tenant: allows no value'],
    ['clients', { allowedClients: ['a', 'b'] }, { allowedClients: ['c'] }, 'issuers[0].allowedClients: lists no client'],
    [
      'an empty list of claims',
      { requiredClaims: ['a'] },
      { requiredClaims: [] },
      'issuers[0].requiredClaims: must be a list of one or more non-empty strings (got an empty list)',
    ],
    [
      'no list of claims',
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
    [
      'an empty list of clients',
      { allowedClients: ['a'] },
      { allowedClients: [] },
      'issuers[0].allowedClients: must be a list of one or more non-empty strings (got an empty list)',
    ],
    ['no values', { requiredValues: { a: 1 } }, { requiredValues: null as never }, 'issuers[0].requiredValues: must be an object from names of claims'],
    ['a value that is undefined', { requiredValues: { a: 1 } }, { requiredValues: { b: undefined as never } }, 'issuers[0].requiredValues.b: must be a value'],
    [
      'an age that is null',
      { maxTokenAgeSeconds: 60 },
      { maxTokenAgeSeconds: null as never },
      'issuers[0].maxTokenAgeSeconds: must be a number of at least 1 (got null)',
    ],
    ['a profile that is null', { profile: 'rfc9068' }, { profile: null as never }, "issuers[0].profile: must be 'rfc9068'"],
  ])('%s', (_what, beside, own, message) => {
    expect(() => createResourceGuard({ audience: 'a', ...beside, issuers: [{ issuer: 'https://a.example.test', ...own }] })).toThrow(message);
  });

  test('and refuses where a resolver answers it', async () => {
    const guard = createResourceGuard({ clock, audience: AUDIENCE, allowedClients: ['a'], issuers: () => ({ issuer: signer.issuer, allowedClients: ['b'] }) });
    for (const clientId of ['a', 'b']) expect(verdictOf(await ask(guard, await issue({ clientId })))).toBe('issuer_unavailable');
  });

  test('a resolver that answers a value of undefined is not taken for one that says nothing of it', async () => {
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

describe('rule 162: the tid that is demanded', () => {
  const places: readonly [string, (template: string, jwksUri: string) => GuardOptions][] = [
    ['of the template', (issuer, jwksUri) => ({ issuer, jwksUri, audience: AUDIENCE, unsafeAcceptAnyTenant: true, requiredValues: { tid: ['one'] } })],
    [
      'beside issuers',
      (issuer, jwksUri) => ({ audience: AUDIENCE, requiredValues: { tid: 'one' }, issuers: [{ issuer, jwksUri, unsafeAcceptAnyTenant: true }] }),
    ],
    [
      'of one of several issuers',
      (issuer, jwksUri) => ({ audience: AUDIENCE, issuers: [{ issuer, jwksUri, unsafeAcceptAnyTenant: true, requiredValues: { tid: ['one'] } }] }),
    ],
    ['of a template with a list', (issuer, jwksUri) => ({ issuer, jwksUri, audience: AUDIENCE, tenants: ['one', 'two'], requiredValues: { tid: ['one'] } })],
  ];

  test.each(places)('%s holds beside the one in iss', async (_place, place) => {
    const server = await createTenantServer(['one', 'two']);
    const guard = createResourceGuard(place(server.template, server.jwksTemplate.replace('{tenant}', 'one')));
    const key = server.keyOf('one');
    expect(verdictOf(await ask(guard, server.token('one')))).toBe('allow');
    expect(verdictOf(await ask(guard, server.token('two', {}, {}, key)))).toBe('invalid_claim');
    expect(verdictOf(await ask(guard, server.token('two', { tid: 'one' }, {}, key)))).toBe('invalid_claim');
  });

  test('stops the start where it is none of the tenants', () => {
    const options = { issuer: 'https://login.example.test/{tenant}/v2.0', audience: 'a', tenants: ['one'] };
    expect(() => createResourceGuard({ ...options, requiredValues: { tid: 'two' } })).toThrow('requiredValues.tid: allows none of the tenants');
  });
});

describe('rule 162: what a preset demands holds, also where others are spread over what it makes', () => {
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
      'cognito, its clients',
      cognito({ region: 'us-east-1', userPoolId: 'us-east-1_x', clientIds: ['c'] }),
      { token_use: 'access', client_id: 'c', aud: undefined },
      { client_id: 'x' },
    ],
    [
      'cognito, its aud',
      cognito({ region: 'us-east-1', userPoolId: 'us-east-1_x', clientIds: ['c'] }),
      { token_use: 'access', client_id: 'c', aud: undefined },
      { aud: 'other' },
    ],
  ];

  test.each(presets)('%s', async (_name, preset, right, wrong) => {
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

  test('a value that the preset does not allow stops the start', () => {
    const preset = keycloak({ url: 'https://a.example.test', realm: 'r', audience: 'a' });
    expect(() => createResourceGuard({ ...preset, requiredValues: { typ: 'Offline' } })).toThrow(ConfigurationError);
    expect(() => createResourceGuard({ ...preset, requiredValues: { typ: 'Offline' } })).toThrow('requiredValues.typ: allows no value that');
  });
});

test('rule 162: members of keyFetching that stand beside issuers hold for those that say others', async () => {
  const guard = createResourceGuard({
    audience: AUDIENCE,
    keyFetching: { maxKeys: 1, timeoutSeconds: 4 },
    issuers: [{ issuer: signer.issuer, keyFetching: { timeoutSeconds: 5, maxKeys: undefined } }],
  });
  await signer.signingKey('ES256');
  await signer.signingKey('RS256');
  await expect(guard.warm()).rejects.toThrow('more than the 1 allowed');
});

/** Tokens as the presets' providers would write them, signed by the one key that the guards are given. */
function issue({ claims, ...wishes }: TokenWishes): Promise<string> {
  return signer.issueToken({ audience: AUDIENCE, ...wishes, claims: { tenant: 't-1', env: 'live', ...claims } });
}

function withKeys(options: GuardOptions): GuardOptions {
  const keys = { jwks: signer.jwks };
  const given = options.issuers;
  if (typeof given === 'function') return { ...options, issuers: (...asked) => ({ ...(given(...asked) as IssuerOptions), ...keys }) };
  return given ? { ...options, issuers: given.map((one) => ({ ...one, ...keys })) } : { ...options, ...keys };
}

test('rule 162: what each of the issuers replaces stops the start, also where it is spread over a preset that makes a list', () => {
  const preset = entraId({ tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', audience: 'https://wide.example' });
  for (const more of [{ audience: 'https://only-this.example' }, { unsafeAcceptTokensForAnyAudience: true }]) {
    expect(() => createResourceGuard({ ...preset, ...more } as GuardOptions)).toThrow(/has no effect, since each of the issuers sets its own/);
  }
  expect(() => createResourceGuard({ issuers: [{ issuer: 'https://a.example', audience: 'a', algorithms: ['ES256'] }], algorithms: ['RS256'] })).toThrow(
    /algorithms: has no effect/,
  );
});

test('rules 96 and 162: a list with holes is none', async () => {
  // eslint-disable-next-line no-sparse-arrays -- it is what must not pass
  const holes = [, 'a'] as string[];
  for (const name of ['audience', 'requiredClaims', 'allowedClients']) {
    expect(() => createResourceGuard({ issuer: 'https://a.example', audience: 'a', [name]: holes })).toThrow(new RegExp(name));
  }
  const { decide } = await createScene({ rolesClaim: () => holes });
  expect(await decide({}, { policy: not(role('zz')) })).toMatchObject({ outcome: 'deny' });
});
