import { auth0, cognito, createResourceGuard, entraId, google, keycloak, okta, type ClaimsSchema, type GuardOptions } from '@tokenward/core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { given, problemsOf } from './provider-tokens.js';

describe('every preset', () => {
  const audience = 'https://api.example.com';
  const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const presets: [string, (more: object) => GuardOptions][] = [
    ['auth0', (more) => auth0({ domain: 'a.auth0.com', audience, ...more })],
    ['okta', (more) => okta({ domain: 'a.okta.com', audience, ...more })],
    ['keycloak', (more) => keycloak({ url: 'https://sso.example.com', realm: 'r', audience, ...more })],
    ['entraId', (more) => entraId({ tenantId, audience, ...more })],
    ['cognito', (more) => cognito({ region: 'us-east-1', userPoolId: 'us-east-1_x', clientIds: ['c'], ...more })],
    ['google', (more) => google({ audience, serviceAccounts: ['104029292853099978293'], ...more })],
  ];

  test.each(presets)('%s makes options that a guard takes', (_name, make) => {
    expect(problemsOf(() => make({}))).toEqual([]);
  });

  test.each(presets)('%s passes on what it does not know: to the guard, which takes it or says what is wrong with it', (_name, make) => {
    const more = {
      resourceMetadataUrl: 'https://api.example.com/x',
      maxTokenBytes: 4096,
      tokenCache: false,
      shadow: { profile: 'rfc9068' },
      clockSkewSeconds: 5,
      maxTokenAgeSeconds: 600,
      requiredClaims: ['tenant'],
      requiredValues: { env: 'live' },
      keyFetching: { timeoutSeconds: 2 },
    };
    const guard = createResourceGuard(make(more));
    expect(guard.health().tokenCache).toBeUndefined();
    expect(guard.check({ method: 'GET', target: '/', headers: {} })).toMatchObject({
      headers: { 'www-authenticate': expect.stringContaining('resource_metadata="https://api.example.com/x"') },
    });
    expect(problemsOf(() => make({ audiance: 1 })).join()).toContain('audiance: is not an option');
    expect(problemsOf(() => make({ maxTokenBytes: 1 })).join()).toContain('maxTokenBytes: is 1');
    expect(problemsOf(() => make({ requiredClaims: 'x' })).join()).toContain('requiredClaims: is "x"');
    expect(problemsOf(() => make({ requiredValues: 'x' })).join()).toContain('requiredValues: is "x"');
    expect(problemsOf(() => make({ jwks: given.jwks, jwksUri: 'https://a.example.com/keys' })).join()).toContain('jwks: stands beside jwksUri');
  });

  test.each(presets)('%s adds what it demands to what else is demanded', (name, make) => {
    const options = make({ requiredClaims: ['tenant'], requiredValues: { env: 'live' } });
    const first = Array.isArray(options.issuers) ? (options.issuers[0] as GuardOptions) : options;
    expect(first.requiredClaims).toContain('tenant');
    expect(first.requiredValues).toMatchObject({ env: 'live' });
    if (name !== 'auth0') expect([...first.requiredClaims!, ...Object.keys(first.requiredValues!)].length).toBeGreaterThan(2);
  });

  test.each(presets)('%s says itself who the issuer is, and is contradicted by none', (name, make) => {
    for (const option of ['issuer', 'issuers', 'tenants', 'unsafeAcceptAnyTenant']) {
      expect(problemsOf(() => make({ [option]: 'https://login.example.com' }))).toEqual([`${option}: is what ${name}() answers itself: leave it out`]);
    }
  });

  test('takes plain objects alone, and says all that is wrong at once', () => {
    expect(() => auth0(null as never)).toThrow(/options: is null: a plain object is needed/);
    expect(() => okta([] as never)).toThrow(/a plain object is needed/);
    expect(problemsOf(() => cognito({} as never))).toHaveLength(3);
  });

  test('lets the type of a claims schema through', () => {
    const schema: ClaimsSchema<{ readonly tenant: string }> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { tenant: string } }) },
    };
    const guard = createResourceGuard(auth0({ domain: 'a.auth0.com', audience, claims: schema }));
    expectTypeOf<Parameters<typeof guard.permit>[0]['claims']>().toEqualTypeOf<Readonly<{ readonly tenant: string }>>();
    const untyped = createResourceGuard(entraId({ tenantId, audience }));
    expectTypeOf<Parameters<typeof untyped.permit>[0]['claims']['iss']>().toEqualTypeOf<string>();
    // @ts-expect-error -- a misspelt option is an error before anything runs
    expect(problemsOf(() => auth0({ domain: 'a.auth0.com', audience, realmm: 'x' }))).toHaveLength(1);
    // @ts-expect-error -- and so is one that is missing
    expect(problemsOf(() => okta({ domain: 'a.okta.com' }))).toHaveLength(1);
  });
});
