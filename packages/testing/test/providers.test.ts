import { createResourceGuard, rawToken, role, scope, type GuardOptions } from '@tokenward/core';
import * as presets from '@tokenward/core/presets';
import { auth0, cognito, entraId, google, keycloak, okta } from '@tokenward/core/presets';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { actAs, createTestIssuer, type ProviderName, type TestIssuer, type TokenOptions } from '@tokenward/testing';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const AUDIENCE = 'https://api.example.com';
const CLIENT = '57cbishk4j24pabc1234567890';
const ACCOUNT = '104029292853099978293';

interface Provider {
  readonly issuer: string;
  guard(keys: Pick<TestIssuer, 'jwks'>): GuardOptions;
  /** null: that of the provider. Default: {@link AUDIENCE}. */
  readonly audience?: string | null;
  /** The names that its tokens can have. Default: scopes and roles. */
  readonly names?: { readonly scopes?: readonly string[]; readonly roles?: readonly string[] };
  /** A token that the preset refuses. Default: one for another audience. */
  readonly foreign?: TokenOptions;
}

const ROLES_ALONE = { roles: ['admin'] };

/** For each provider, the issuer of production, and the preset with the keys of the test issuer. */
const PROVIDERS: Readonly<Record<ProviderName, Provider>> = {
  auth0: { issuer: 'https://example.eu.auth0.com/', guard: ({ jwks }) => auth0({ domain: 'example.eu.auth0.com', audience: AUDIENCE, jwks }) },
  okta: { issuer: 'https://example.okta.com/oauth2/default', guard: ({ jwks }) => okta({ domain: 'example.okta.com', audience: AUDIENCE, jwks }) },
  keycloak: {
    issuer: 'https://sso.example.com/realms/shop',
    guard: ({ jwks }) => keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: AUDIENCE, jwks }),
  },
  entraId: {
    issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    guard: ({ jwks }) => entraId({ tenantId: TENANT, audience: AUDIENCE, jwks }),
  },
  cognito: {
    issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI',
    guard: ({ jwks }) => cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_AbCdEfGhI', clientIds: [CLIENT], jwks }),
    audience: null,
    foreign: { clientId: 'another0client' },
  },
  google: { issuer: 'https://accounts.google.com', guard: ({ jwks }) => google({ audience: AUDIENCE, serviceAccounts: [ACCOUNT], jwks }), names: {} },
  authentik: {
    issuer: 'https://auth.example.com/application/o/orders/',
    guard: ({ jwks }) => presets.authentik({ url: 'https://auth.example.com', application: 'orders', audience: AUDIENCE, jwks }),
  },
  azureAdB2c: {
    issuer: `https://contoso.b2clogin.com/${TENANT}/v2.0/`,
    guard: ({ jwks }) => presets.azureAdB2c({ tenantName: 'contoso', tenantId: TENANT, policies: ['B2C_1_signin'], audience: AUDIENCE, jwks }),
  },
  clerk: {
    issuer: 'https://clerk.example.com',
    guard: ({ jwks }) => presets.clerk({ domain: 'clerk.example.com', authorizedParties: ['https://app.example.com'], jwks }),
    audience: null,
    names: { roles: ['org:admin', 'org:invoices:read', 'org:invoices:write', 'org:reports:write'] },
    foreign: { clientId: 'https://other.example.com' },
  },
  entraExternalId: {
    issuer: `https://${TENANT}.ciamlogin.com/${TENANT}/v2.0`,
    guard: ({ jwks }) => presets.entraExternalId({ tenantId: TENANT, audience: AUDIENCE, jwks }),
  },
  firebase: {
    issuer: 'https://securetoken.google.com/example-project',
    guard: ({ jwks }) => presets.firebase({ projectId: 'example-project', jwks }),
    audience: null,
    names: ROLES_ALONE,
  },
  githubActions: {
    issuer: 'https://token.actions.githubusercontent.com',
    guard: ({ jwks }) => presets.githubActions({ audience: AUDIENCE, repositories: ['octo-org/octo-repo'], refs: ['refs/heads/main'], jwks }),
    names: {},
    foreign: { clientId: 'octo-org/other' },
  },
  gitlabCi: {
    issuer: 'https://gitlab.com',
    guard: ({ jwks }) => presets.gitlabCi({ audience: AUDIENCE, projects: ['my-group/my-project'], branches: ['main'], protectedRefsOnly: true, jwks }),
    names: {},
    foreign: { clientId: 'my-group/other' },
  },
  kubernetes: {
    issuer: 'https://kubernetes.default.svc.cluster.local',
    guard: ({ jwks }) => presets.kubernetes({ audience: AUDIENCE, serviceAccounts: ['default/test'], jwks }),
    names: {},
    foreign: { subject: 'system:serviceaccount:default:other' },
  },
  pingFederate: { issuer: 'https://sso.example.com', guard: ({ jwks }) => presets.pingFederate({ url: 'https://sso.example.com', audience: AUDIENCE, jwks }) },
  pingOne: {
    issuer: `https://auth.pingone.eu/${TENANT}/as`,
    guard: ({ jwks }) => presets.pingOne({ environmentId: TENANT, region: 'eu', audience: AUDIENCE, jwks }),
  },
  spiffe: {
    issuer: 'spiffe://example.org',
    guard: ({ jwks }) => presets.spiffe({ trustDomain: 'example.org', audience: AUDIENCE, jwks }),
    names: {},
    foreign: { subject: 'spiffe://other.org/web' },
  },
  supabase: {
    issuer: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1',
    guard: ({ jwks }) => presets.supabase({ projectRef: 'abcdefghijklmnopqrst', jwks }),
    audience: null,
    names: ROLES_ALONE,
  },
  workos: {
    issuer: 'https://api.workos.com',
    guard: ({ jwks }) => presets.workos({ clientId: 'client_123456789', jwks }),
    audience: null,
    names: ROLES_ALONE,
  },
  zitadel: {
    issuer: 'https://example-abc123.zitadel.cloud',
    guard: ({ jwks }) => presets.zitadel({ url: 'https://example-abc123.zitadel.cloud', projectId: '269152346434019332', jwks }),
    audience: null,
    names: ROLES_ALONE,
  },
};

test('rule 284: the test issuer can imitate the tokens of every preset', () => {
  expect(Object.keys(PROVIDERS).toSorted()).toEqual(Object.keys(presets).toSorted());
});

describe.each(Object.entries(PROVIDERS) as [ProviderName, (typeof PROVIDERS)[ProviderName]][])('like %s', (like, { issuer, guard: optionsOf, ...provider }) => {
  const audience = provider.audience === null ? undefined : AUDIENCE;
  const wanted: Required<Provider>['names'] = provider.names ?? { scopes: ['orders:read', 'orders:write'], roles: ['admin'] };

  async function start(): Promise<{
    testIssuer: TestIssuer;
    ask: (token: string, policy?: ReturnType<typeof scope>) => Promise<{ outcome: string; auth?: unknown }>;
  }> {
    const testIssuer = await createTestIssuer({ like, issuer, audience });
    const guard = createResourceGuard(optionsOf(testIssuer));
    onTestFinished(async () => {
      await guard.close();
      await testIssuer.close();
    });
    return {
      testIssuer,
      ask: async (token, policy) => guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } }, { policy }),
    };
  }

  test('rule 278: the preset accepts the tokens, with their scopes and roles', async () => {
    const { testIssuer, ask } = await start();
    const token = await testIssuer.issueToken(wanted);
    const decision = await ask(token);
    expect(decision).toMatchObject({ outcome: 'allow', auth: { issuer, scopes: wanted.scopes ?? [], roles: wanted.roles ?? [] } });
    expect(rawToken(decision.auth as never)).toBe(token);
    for (const policy of [...(wanted.scopes ?? []).map((name) => scope(name)), ...(wanted.roles ?? []).map((name) => role(name))]) {
      expect(await ask(token, policy)).toMatchObject({ outcome: 'allow' });
      expect(await ask(await testIssuer.issueToken(), policy)).toMatchObject({ outcome: 'deny', status: 403 });
    }
  });

  test('rule 278: refuses a token of another audience or client, and an expired one', async () => {
    const { testIssuer, ask } = await start();
    expect(await ask(await testIssuer.issueToken(provider.foreign ?? { audience: 'https://other.example.com' }))).toMatchObject({
      outcome: 'deny',
      status: 401,
    });
    expect(await ask(await testIssuer.issueToken({ lifetimeSeconds: -300 }))).toMatchObject({ outcome: 'deny', reason: 'expired' });
  });
});

test.each(Object.entries(PROVIDERS))(
  'rule 284: a test can act as a caller of %s, once it says what the preset requires',
  async (_like, { guard: optionsOf }) => {
    const testIssuer = await createTestIssuer();
    const jwks = { keys: testIssuer.jwks.keys.map((key) => Object.assign({}, key, { use: undefined })) };
    const spiffeKeys = { keys: testIssuer.jwks.keys.map((key) => Object.assign({}, key, { use: 'jwt-svid' })) };
    const guard = createResourceGuard(optionsOf({ jwks: _like === 'spiffe' ? spiffeKeys : jwks }));
    onTestFinished(async () => {
      await guard.close();
      await testIssuer.close();
    });
    const claims: Record<string, unknown> = {};
    let headers: Record<string, string> | undefined;
    for (let missing = 0; headers === undefined && missing < 6; missing++) {
      try {
        headers = { ...actAs(guard)({ claims }) };
      } catch (error) {
        claims[/the guard requires the claim (\S+)\. Write/.exec((error as Error).message)![1]!] = 'x';
      }
    }
    expect(await guard.check({ method: 'GET', target: '/', headers: headers! })).toMatchObject({ outcome: 'allow' });
  },
);

test('rule 278: tokens of Entra ID follow the version of their issuer, and those of Google have no scopes', async () => {
  const testIssuer = await createTestIssuer({ like: 'entraId', issuer: `https://sts.windows.net/${TENANT}/`, audience: AUDIENCE });
  const guard = createResourceGuard(entraId({ tenantId: TENANT, audience: AUDIENCE, jwks: testIssuer.jwks }));
  onTestFinished(async () => {
    await guard.close();
    await testIssuer.close();
  });
  const headers = { authorization: `Bearer ${await testIssuer.issueToken({ clientId: 'client-7', scopes: ['a'] })}` };
  expect(await guard.check({ method: 'GET', target: '/', headers })).toMatchObject({
    outcome: 'allow',
    auth: { clientId: 'client-7', scopes: ['a'], claims: { ver: '1.0', tid: TENANT } },
  });
  const google1 = await createTestIssuer({ like: 'google' });
  onTestFinished(() => google1.close());
  await expect(google1.issueToken({ scopes: ['a'] })).rejects.toThrow(/scopes: tokens like those of Google have none/);
});

const local = await createTestIssuer({ like: 'keycloak' });
afterAll(() => local.close());

test('without an issuer of production, the address of the test issuer has the path of the provider', async () => {
  expect(local.issuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/realms\/test$/);
  const guard = createResourceGuard(keycloak({ url: local.issuer.replace('/realms/test', ''), realm: 'test', audience: local.audience }));
  onTestFinished(() => guard.close());
  const headers = { authorization: `Bearer ${await local.issueToken({ roles: ['admin'] })}` };
  expect(await guard.check({ method: 'GET', target: '/', headers }, { policy: role('admin') })).toMatchObject({ outcome: 'allow' });
});
