import { createResourceGuard, rawToken, role, scope, type GuardOptions } from '@tokenward/core';
import { auth0, cognito, entraId, google, keycloak, okta } from '@tokenward/core/presets';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createTestIssuer, type ProviderName, type TestIssuer } from '@tokenward/testing';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const AUDIENCE = 'https://api.example.com';
const CLIENT = '57cbishk4j24pabc1234567890';
const ACCOUNT = '104029292853099978293';

/** One line for each provider: the issuer of production, and the preset with the keys of the test issuer. */
const PROVIDERS: Readonly<Record<ProviderName, { readonly issuer: string; guard(keys: Pick<TestIssuer, 'jwks'>): GuardOptions }>> = {
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
  },
  google: { issuer: 'https://accounts.google.com', guard: ({ jwks }) => google({ audience: AUDIENCE, serviceAccounts: [ACCOUNT], jwks }) },
};

describe.each(Object.entries(PROVIDERS) as [ProviderName, (typeof PROVIDERS)[ProviderName]][])('like %s', (like, { issuer, guard: optionsOf }) => {
  const audience = like === 'cognito' ? undefined : AUDIENCE;
  const withNames = like !== 'google';

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
    const wishes = withNames ? { scopes: ['orders:read', 'orders:write'], roles: ['admin'] } : {};
    const token = await testIssuer.issueToken(wishes);
    const decision = await ask(token);
    expect(decision).toMatchObject({ outcome: 'allow', auth: { issuer, scopes: wishes.scopes ?? [], roles: wishes.roles ?? [] } });
    expect(rawToken(decision.auth as never)).toBe(token);
    if (!withNames) return;
    expect(await ask(token, scope('orders:write'))).toMatchObject({ outcome: 'allow' });
    expect(await ask(token, role('admin'))).toMatchObject({ outcome: 'allow' });
    expect(await ask(await testIssuer.issueToken(), scope('orders:write'))).toMatchObject({ outcome: 'deny', status: 403 });
  });

  test('rule 278: refuses a token of another audience or client, and an expired one', async () => {
    const { testIssuer, ask } = await start();
    const foreign = like === 'cognito' ? { clientId: 'another0client' } : { audience: 'https://other.example.com' };
    expect(await ask(await testIssuer.issueToken(foreign))).toMatchObject({ outcome: 'deny', status: 401 });
    expect(await ask(await testIssuer.issueToken({ lifetimeSeconds: -300 }))).toMatchObject({ outcome: 'deny', reason: 'expired' });
  });
});

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
