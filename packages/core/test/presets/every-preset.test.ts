import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createResourceGuard, type Claims, type ClaimsSchema, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { auth0, cognito, entraId, google, keycloak, okta } from '@tokenward/core/presets';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { given, problemsOf } from './provider-tokens.js';
import { providers } from './shapes.js';

describe('every preset', () => {
  const audience = 'https://api.example.com';
  const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const presets = Object.entries(providers).map(([name, { options }]): [string, (more: object) => GuardOptions] => [name, options]);

  test('is in this list, has a test file, and is named in the guide and the README', () => {
    const files = readdirSync(new URL('../../src/presets', import.meta.url)).filter((file) => file !== 'preset.ts' && !file.endsWith('.test.ts'));
    const names = files.map((file) => file.replace('.ts', '').replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase()));
    expect(presets.map(([name]) => name).toSorted()).toEqual(names.toSorted());
    const [guide, readme] = ['../../../../docs/src/content/docs/providers/index.md', '../../README.md'].map((path) =>
      readFileSync(new URL(path, import.meta.url), 'utf8'),
    );
    for (const name of names) expect([guide!.includes(`| [\`${name}()\`](`), readme!.includes(`\`${name}()\``)], name).toEqual([true, true]);
    for (const file of files) expect(existsSync(new URL(file.replace('.ts', '.test.ts'), import.meta.url)), file).toBe(true);
  });

  test.each(presets)('%s returns options that a guard accepts', (_name, make) => {
    expect(problemsOf(() => make({}))).toEqual([]);
  });

  test.each(presets)('%s passes other options on to the guard, which accepts or refuses them', (_name, make) => {
    const more = {
      resourceMetadataUrl: 'https://api.example.com/x',
      maxTokenBytes: 4096,
      tokenCache: false,
      shadow: { profile: 'rfc9068' },
      clockSkewSeconds: 5,
      maxTokenAgeSeconds: 600,
      requiredClaims: ['tenant'],
      requiredValues: { stage: 'live' },
      keyFetching: { timeoutSeconds: 2 },
    };
    const guard = createResourceGuard(make(more));
    expect(guard.health().tokenCache).toBeUndefined();
    expect(guard.check({ method: 'GET', target: '/', headers: {} })).toMatchObject({
      headers: { 'www-authenticate': [expect.stringContaining('resource_metadata="https://api.example.com/x"'), expect.stringMatching(/^DPoP /)] },
    });
    expect(problemsOf(() => make({ audiance: 1 })).join()).toContain('audiance: is not an option');
    expect(problemsOf(() => make({ maxTokenBytes: 1 })).join()).toContain('maxTokenBytes: must be a whole number from 256 to 1048576 (got 1)');
    expect(problemsOf(() => make({ requiredClaims: 'x' })).join()).toContain('requiredClaims: must be a list');
    expect(problemsOf(() => make({ requiredValues: 'x' })).join()).toContain('requiredValues: must be an object');
    expect(problemsOf(() => make({ jwks: given.jwks, jwksUri: 'https://a.example.com/keys' })).join()).toContain('jwks: cannot be combined with jwksUri');
  });

  test.each(presets)('%s adds its required claims and values to those of the options', (name, make) => {
    const options = make({ requiredClaims: ['tenant'], requiredValues: { stage: 'live' } });
    const first = Array.isArray(options.issuers) ? (options.issuers[0] as GuardOptions) : options;
    expect(first.requiredClaims).toContain('tenant');
    expect(first.requiredValues).toMatchObject({ stage: 'live' });
    if (!['auth0', 'spiffe'].includes(name)) expect([...first.requiredClaims!, ...Object.keys(first.requiredValues!)].length).toBeGreaterThan(2);
  });

  test.each(presets)('%s sets the issuer itself, and refuses options that would replace it', (name, make) => {
    for (const option of ['issuer', 'issuers', 'tenants', 'unsafeAcceptAnyTenant']) {
      expect(problemsOf(() => make({ [option]: 'https://login.example.com' }))).toEqual([`${option}: is set by ${name}() itself. Remove it`]);
    }
  });

  test('accepts only plain objects, and lists all invalid options', () => {
    expect(() => auth0(null as never)).toThrow(/options: must be a plain object \(got null\)/);
    expect(() => okta([] as never)).toThrow(/must be a plain object/);
    expect(problemsOf(() => cognito({} as never))).toHaveLength(3);
  });

  test('keeps the type of a claims schema', () => {
    const schema: ClaimsSchema<{ readonly tenant: string }> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { tenant: string } }) },
    };
    const guard = createResourceGuard(auth0({ domain: 'a.auth0.com', audience, claims: schema }));
    expectTypeOf(guard).toEqualTypeOf<ResourceGuard<{ readonly tenant: string }>>();
    const untyped = createResourceGuard(entraId({ tenantId, audience }));
    expectTypeOf(untyped).toEqualTypeOf<ResourceGuard<Claims>>();
    // @ts-expect-error -- a misspelt option is an error before anything runs
    expect(problemsOf(() => auth0({ domain: 'a.auth0.com', audience, realmm: 'x' }))).toHaveLength(1);
    // @ts-expect-error -- a missing option is an error before anything runs
    expect(problemsOf(() => okta({ domain: 'a.okta.com' }))).toHaveLength(1);
  });
});

describe('rule 175: a preset accepts a host only in its canonical form', () => {
  const audience = 'https://api.example.com';
  const canonical = 'login.example.com';

  test.each<[string, string | undefined]>([
    ['https://login.example.com', canonical],
    ['https://login.example.com/', canonical],
    ['http://login.example.com', canonical],
    ['login.example.com/oauth2/default', canonical],
    ['login.example.com:8443', canonical],
    ['login.example.com:443', canonical],
    ['login.example.com.', canonical],
    ['LOGIN.example.com', canonical],
    ['https://user:password@login.example.com', canonical],
    ['login.example.com?x', canonical],
    ['[::1]', undefined],
    ['[::1]:8080', undefined],
    ['127.0.0.1', undefined],
    ['1.2.3', undefined],
    ['a..com', undefined],
    ['.example.com', undefined],
    ['login.example.com..', undefined],
    ['-a.example.com', undefined],
    ['a-.example.com', undefined],
    ['a_b.example.com', undefined],
    ['localhost', undefined],
    ['*.example.com', undefined],
    ['a b.example.com', undefined],
    [`${'a'.repeat(64)}.example.com`, undefined],
    [`${'a.'.repeat(130)}example.com`, undefined],
    ['', undefined],
    ['.', undefined],
    ['b\u00fccher.example.com', 'xn--bcher-kva.example.com'],
  ])('refuses the domain %j', (domain, suggestion) => {
    for (const make of [() => auth0({ domain, audience }), () => okta({ domain, audience })]) {
      const [problem, ...more] = problemsOf(make);
      expect(more).toEqual([]);
      expect(problem).toMatch(
        /^domain: must be a host name such as example\.[a-z0-9.]+: in lower case, without https:\/\/, port, path or final dot \(got (?:"[^]*"|a string of \d+ characters?)\)/,
      );
      if (suggestion === undefined) expect(problem).not.toContain('Write');
      else expect(problem).toContain(`). Write "${suggestion}"`);
    }
  });

  test.each([canonical, 'a.eu.auth0.com', 'xn--bcher-kva.example.com', '1a.2b.example', 'a--b.example.com'])('accepts the domain %s', (domain) => {
    expect(auth0({ domain, audience }).issuer).toBe(`https://${domain}/`);
    expect(okta({ domain, audience }).issuer).toBe(`https://${domain}/oauth2/default`);
  });

  test.each([
    ['https://SSO.example.com', /^url: is not the canonical form of the URL. Write "https:\/\/sso\.example\.com\/"/],
    ['https://sso.example.com:443', /^url: is not the canonical form/],
    ['HTTPS://sso.example.com', /^url: is not the canonical form/],
    ['https://sso.example.com.', /^url: has a host name with an empty part or a dot at its end/],
    ['https://a..com/auth', /^url: has a host name with an empty part/],
    ['https://sso.example.com/a/../b', /^url: has a backslash or a dot segment/],
    ['https://u:p@sso.example.com', /^url: contains a user name or password/],
    ['ftp://sso.example.com', /^url: must use https \(its scheme is "ftp"/],
    ['https://', /^url: is not an absolute URL/],
  ])('refuses the keycloak url %j', (url, problem) => {
    const { jwks } = given;
    for (const more of [{}, { jwks }]) expect(problemsOf(() => keycloak({ url, realm: 'r', audience, ...more }))).toEqual([expect.stringMatching(problem)]);
  });

  test.each(['https://sso.example.com', 'https://sso.example.com/', 'https://sso.example.com:8443/auth/', 'https://[2001:db8::1]:8443'])(
    'accepts the keycloak url %s',
    (url) => {
      expect(keycloak({ url, realm: 'r', audience }).issuer).toBe(`${url.replace(/\/$/, '')}/realms/r`);
    },
  );

  const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  test.each<[string, () => GuardOptions, string]>([
    ['a tenant ID in upper case', () => entraId({ tenantId: tenantId.toUpperCase(), audience }), 'tenantId'],
    ['the domain of a tenant', () => entraId({ tenantId: 'contoso.onmicrosoft.com', audience }), 'tenantId'],
    ['a tenant ID with a path', () => entraId({ tenantId: `${tenantId}/v2.0`, audience }), 'tenantId'],
    ['a tenant ID with a line feed', () => entraId({ tenantId: `${tenantId}\n`, audience }), 'tenantId'],
    ['the URL of a tenant', () => entraId({ tenantIds: [`https://login.microsoftonline.com/${tenantId}`], audience }), 'tenantIds'],
    ['a region in upper case', () => cognito({ region: 'EU-central-1', userPoolId: 'eu-central-1_x', clientIds: ['c'] }), 'region'],
    ['a region with a final dot', () => cognito({ region: 'eu-central-1.', userPoolId: 'eu-central-1_x', clientIds: ['c'] }), 'region'],
    ['a region with a host name', () => cognito({ region: 'evil.example/eu-central-1', userPoolId: 'eu-central-1_x', clientIds: ['c'] }), 'region'],
    ['a user pool ID with a path', () => cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_x/../y', clientIds: ['c'] }), 'userPoolId'],
    ['an authorization server ID with a path', () => okta({ domain: 'a.okta.com', authorizationServerId: 'default/v1', audience }), 'authorizationServerId'],
    ['a realm with a slash', () => keycloak({ url: 'https://sso.example.com', realm: 'a/b', audience }), 'realm'],
    ['a realm of two dots', () => keycloak({ url: 'https://sso.example.com', realm: '..', audience }), 'realm'],
    ['a service account by its e-mail address', () => google({ serviceAccounts: ['a@b.iam.gserviceaccount.com'], audience }), 'serviceAccounts'],
  ])('refuses %s', (_name, make, option) => {
    expect(problemsOf(make)).toEqual([expect.stringMatching(new RegExp(`^${option}: must be [^]* \\(got `))]);
  });
});
