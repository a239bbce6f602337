import {
  acr,
  actedFor,
  actor,
  allOf,
  anyOf,
  anyRole,
  anyScope,
  authorizationDetails,
  claim,
  createResourceGuard,
  issuedBy,
  maxAge,
  not,
  policy,
  role,
  scope,
  type Policy,
} from '@tokenward/core';
import { openApiSecurity, problemSchema, problemSchemaName, type OpenApiOptions, type OpenApiVersion } from '@tokenward/core/openapi';
import { describe, expect, test } from 'vitest';
import { expectValidDocument, saysOpen, type Operation } from '../../testing/test/open-api.js';

const ISSUER = 'https://login.example.com';
const guardOptions = { issuer: ISSUER, audience: 'https://api.example.com' };
const guard = createResourceGuard(guardOptions);

async function documentWith(
  policies: readonly Policy[],
  { options = {}, of = guard, credentials }: { options?: OpenApiOptions; of?: typeof guard; credentials?: 'optional' } = {},
) {
  const description = of.openApi(options);
  const access = description.operation(policies, credentials);
  const { securitySchemes, schemas } = description.components();
  const { responses, security, description: text } = access;
  const operation = { ...(text !== undefined && { description: text }), security, responses: { ...responses, 200: { description: 'Fine' } } };
  const version = { '2.0': '2.0', '3.0': '3.0.4', '3.1': '3.1.1', '3.2': '3.2.0' }[options.version ?? '3.1'];
  const info = { title: 'Orders', version: '1.0.0' };
  const paths = { '/orders': { get: operation } };
  return expectValidDocument(
    version === '2.0'
      ? { swagger: version, info, paths, securityDefinitions: securitySchemes, definitions: schemas }
      : { openapi: version, info, paths, components: { securitySchemes, schemas } },
  );
}

describe('rule 250: security requirements are alternatives of scopes that a token needs', () => {
  test.each<[string, Policy, readonly string[][], string | undefined]>([
    ['all scopes', scope('a', 'b'), [['a', 'b']], undefined],
    ['one of several scopes', anyScope('a', 'b'), [['a'], ['b']], undefined],
    ['all of', allOf(scope('a'), scope('b', 'a')), [['a', 'b']], undefined],
    ['any of', anyOf(scope('a'), scope('b')), [['a'], ['b']], undefined],
    [
      'nested alternatives',
      allOf(scope('a'), anyOf(scope('b'), scope('c', 'd'))),
      [
        ['a', 'b'],
        ['a', 'c', 'd'],
      ],
      undefined,
    ],
    ['an alternative that another one contains', anyOf(scope('a'), scope('a', 'b'), scope('a')), [['a']], undefined],
    ['a scope or a role', anyOf(scope('a'), role('r')), [['a'], []], 'Needs the scope `a` or the role `r`.'],
    ['a scope, or the same with more', anyOf(scope('a'), allOf(scope('a'), role('r'))), [['a']], undefined],
    ['not a scope', not(scope('a')), [[]], 'Needs anything but (the scope `a`).'],
    ['a scope and not a role', allOf(scope('a'), not(anyRole('r', 's'))), [['a']], 'Needs the scope `a` and (anything but (the role `r` or `s`)).'],
    [
      'a login',
      allOf(scope('a'), acr('urn:x'), maxAge(60)),
      [['a']],
      'Needs the scope `a` and a login with the acr `urn:x` and a login at most 60 seconds ago.',
    ],
    ['details', authorizationDetails('payment', () => true), [[]], 'Needs authorization details of the type `payment` that cover the request.'],
    ['somebody who acts', allOf(actor('assistant'), actedFor()), [[]], 'Needs an actor that this API accepts and an actor (the claim `act`).'],
    ['a claim', claim('tenant', 'secret'), [[]], 'Needs the claim `tenant` with a value that this API accepts.'],
    ['a condition', policy('not on the list of frauds', () => true), [[]], 'Needs a condition of this API.'],
    ['another issuer', issuedBy('https://partner.example.com'), [[]], 'Needs a token of the issuer `https://partner.example.com`.'],
    ['a name with backticks', role('``x`'), [[]], 'Needs the role ``` ``x` ```.'],
  ])('%s', async (_name, one, scopes, description) => {
    const { paths } = await documentWith([one]);
    const { get } = paths['/orders']!;
    expect(get!.security).toEqual(scopes.map((list) => ({ oauth2: list })));
    expect(get!.description).toBe(description);
  });

  test('several policies of a route are all needed', () => {
    expect(guard.openApi().operation([scope('a'), scope('b')]).security).toEqual([{ oauth2: ['a', 'b'] }]);
    expect(guard.openApi().operation(scope('a')).security).toEqual([{ oauth2: ['a'] }]);
    expect(guard.openApi().operation().security).toEqual([{ oauth2: [] }]);
  });

  test('too many alternatives become the scopes that all of them need, with a description', () => {
    const pairs = Array.from({ length: 8 }, (_, at) => anyScope(`a${at}`, `b${at}`));
    const { security, description } = guard.openApi().operation([scope('all'), ...pairs]);
    expect(security).toEqual([{ oauth2: ['all'] }]);
    expect(description).toMatch(/^Needs the scope `all` and \(the scope `a0` or `b0`\) and /);
  });

  test('too many requirements, for the alternatives of several issuers, become any of their tokens, with a description', () => {
    const issuers = ['a', 'b', 'c'].map((name) => ({ issuer: `https://${name}.example.com`, audience: 'orders' }));
    const ofThree = createResourceGuard({ issuers });
    const names = Array.from({ length: 12 }, (_, at) => `s${at}`);
    const { security, description } = ofThree.openApi().operation(anyScope(...names));
    expect(security.map((one) => Object.values(one))).toEqual([[[]], [[]], [[]]]);
    expect(description).toMatch(/^Needs the scope `s0` or `s1` or /);
    expect(ofThree.openApi().operation(anyScope('s0', 's1'))).toMatchObject({ security: { length: 6 }, description: undefined });
  });
});

describe('rule 251: a description never says that an operation is open', () => {
  const impossible = allOf(issuedBy(ISSUER), issuedBy('https://partner.example.com'));
  const policies: Policy[] = [impossible, anyOf(impossible, impossible), not(scope('a')), issuedBy('https://unknown.example.com')];

  test.each<OpenApiVersion>(['2.0', '3.0', '3.1', '3.2'])('whatever the policy, in version %s', async (version) => {
    for (const of of [
      guard,
      createResourceGuard({ issuer: 'accounts', audience: 'a', sharedSecrets: { utf8: 'a secret of at least thirty-two bytes' }, algorithms: ['HS256'] }),
    ]) {
      for (const one of [...policies, scope('a')]) {
        const document = await documentWith([one], { of, options: { version } });
        expect(saysOpen(document, document.paths['/orders']!['get'] as Operation)).toBe(false);
      }
    }
  });

  test('undefined instead of a policy throws, and so do credentials that no guard has', () => {
    const description = guard.openApi();
    for (const wrong of [[undefined], [scope('a'), null], ['orders:read'], 'orders:read', [scope]])
      expect(() => description.operation(wrong as never)).toThrow(/policy/);
    for (const wrong of ['public', 'none', null]) expect(() => description.operation([], wrong as never)).toThrow(/'required' or 'optional'/);
    expect(() => openApiSecurity([undefined as never])).toThrow(/policy/);
    expect(() => openApiSecurity([], { credentials: 'public' as never })).toThrow(/'required' or 'optional'/);
  });
});

describe('rule 252: the security scheme names the issuer', () => {
  test('by the address of its metadata', async () => {
    const { components } = await documentWith([scope('a')]);
    expect(components!.securitySchemes).toEqual({
      oauth2: {
        type: 'openIdConnect',
        openIdConnectUrl: 'https://login.example.com/.well-known/openid-configuration',
        description: 'An access token of `https://login.example.com` in the header `Authorization` (RFC 6750).',
      },
    });
  });

  test('several issuers, each by its own, and a scheme for the others', async () => {
    const of = createResourceGuard({
      issuers: [
        guardOptions,
        { issuer: 'https://login.partner.example/a', audience: 'a' },
        { issuer: 'https://login.partner.example/b', audience: 'a' },
        { issuer: 'https://login.example.org/{tenant}', audience: 'a', tenants: ['one'] },
      ],
    });
    const { components, paths } = await documentWith([issuedBy('https://login.partner.example/b'), scope('x')], { of, options: { scheme: 'login' } });
    expect(Object.entries(components!.securitySchemes!).map(([name, { type }]) => [name, type])).toEqual([
      ['login.login.example.com', 'openIdConnect'],
      ['login.login.partner.example', 'openIdConnect'],
      ['login.login.partner.example.2', 'openIdConnect'],
      ['login', 'http'],
    ]);
    expect(paths['/orders']!['get']!.security).toEqual([{ 'login.login.partner.example.2': ['x'] }]);
  });

  test('an issuer without an address, and the issuers of a function, are a bearer scheme without scopes', async () => {
    const of = createResourceGuard({ issuers: () => undefined, audience: 'a' });
    const { components, paths } = await documentWith([scope('a')], { of, options: { version: '3.0' } });
    expect(components!.securitySchemes!['oauth2']).toMatchObject({ type: 'http', scheme: 'bearer' });
    expect(paths['/orders']!['get']).toMatchObject({ security: [{ oauth2: [] }], description: 'Needs the scope `a`.' });
  });

  test('flows make it oauth2, with the scopes of the operations and what they imply', async () => {
    const of = createResourceGuard({ ...guardOptions, scopes: { admin: ['a'] } });
    const flows = { authorizationCode: { authorizationUrl: 'https://login.example.com/authorize', tokenUrl: 'https://login.example.com/token' } };
    for (const version of ['2.0', '3.0', '3.1', '3.2'] as const) {
      const document = await documentWith([scope('a')], { of, options: { flows, version, scopeDescriptions: { b: 'Do b' } } });
      const scheme = (document.components?.securitySchemes ?? document.securityDefinitions)!['oauth2'] as { flows?: { authorizationCode: object } };
      expect(scheme).toMatchObject({ type: 'oauth2', description: expect.stringContaining('The scope `admin` includes `a`.') });
      expect(scheme.flows?.authorizationCode ?? scheme).toMatchObject({ scopes: { a: '', b: 'Do b' } });
    }
  });

  test('options that contradict the guard, and invalid ones, throw', () => {
    const several = createResourceGuard({ issuers: [guardOptions, { issuer: 'https://b.example.com', audience: 'a' }] });
    const flows = { clientCredentials: { tokenUrl: 'https://login.example.com/token' } };
    expect(() => several.openApi({ flows })).toThrow(/flows.*several issuers/);
    expect(() => guard.openApi({ sessionCookie: 'session' })).toThrow(/sessionCookie.*no option session/);
    expect(() => guard.openApi({ sessionCookie: 'a;b' })).toThrow(/sessionCookie: is not the name of a cookie/);
    expect(() => guard.openApi({ version: '4' as never })).toThrow(/version: must be one of 2.0, 3.0, 3.1, 3.2/);
    expect(() => guard.openApi({ scheme: 'a b' })).toThrow(/scheme: must consist of/);
    expect(() => guard.openApi({ flows: {} })).toThrow(/flows: has no flow/);
    expect(() => guard.openApi({ flows: { authorizationCode: { tokenUrl: 'http://x.example.com' } } })).toThrow(/authorizationUrl: is missing.*\n?.*tokenUrl/s);
    expect(() => guard.openApi({ flows: { implicit: {} } })).toThrow(/flows.implicit: is not an option/);
    expect(() => guard.openApi({ scopeDescriptions: { 'a b': 'x' } })).toThrow(/scopeDescriptions: must be an object/);
    expect(() => guard.openApi({ securitySchemes: { a: 'b' as never } })).toThrow(/securitySchemes: must be an object/);
    expect(() => guard.openApi({ schema: 'x' } as never)).toThrow(/schema: is not an option: did you mean scheme\?/);
  });
});

describe('rule 253: the responses are those that can occur', () => {
  test.each<[string, readonly Policy[], readonly string[]]>([
    ['a token', [], ['400', '401', '503']],
    ['a scope', [scope('a')], ['400', '401', '403', '503']],
    ['a login', [acr('x')], ['400', '401', '503']],
    ['logins of two guards that no login satisfies', [acr('x'), acr('y')], ['400', '401', '403', '503']],
    ['a login or a role', [anyOf(maxAge(1), role('r'))], ['400', '401', '403', '503']],
    ['not a role', [not(role('r'))], ['400', '401', '403', '503']],
  ])('for %s', (_name, policies, statuses) => {
    const { responses } = guard.openApi().operation(policies);
    expect(Object.keys(responses)).toEqual(statuses);
  });

  test('with a step-up only if a guard asks for a login', () => {
    const describedAs = (...policies: Policy[]) => guard.openApi().operation(policies).responses['401']!.description;
    expect(describedAs(acr('x', 'y'), acr('y'))).toContain('insufficient_user_authentication');
    expect(describedAs(acr('x'), acr('y'))).toContain('insufficient_user_authentication');
    expect(describedAs(anyOf(acr('x'), scope('a')))).toBe('The access token is missing, or it is not valid here');
  });

  test('with the header of the nonce, if proofs need one', () => {
    const of = createResourceGuard({ ...guardOptions, dpop: { nonceSecret: 'a secret of at least thirty-two bytes' } });
    const headers = of.openApi().operation().responses['401']!.headers;
    expect(Object.keys(headers!)).toEqual(['WWW-Authenticate', 'DPoP-Nonce']);
    expect(Object.keys(guard.openApi().operation().responses['401']!.headers!)).toEqual(['WWW-Authenticate']);
  });

  test('an optional guard refuses, too, and admits requests without credentials', () => {
    const { security, responses, description } = guard.openApi().operation([scope('a'), role('r')], 'optional');
    expect(security).toEqual([{}, { oauth2: ['a'] }]);
    expect(Object.keys(responses)).toEqual(['400', '401', '403', '503']);
    expect(responses['401']!.description).toBe('The access token is not valid here');
    expect(description).toBe('An access token, if sent, needs the scope `a` and the role `r`.');
  });
});

describe('rule 250: a token that must be bound needs its proof, too', () => {
  const DPOP = { 'oauth2.dpop': [] };
  const MTLS = { 'oauth2.mtls': [] };
  test.each<['dpop' | 'mtls' | 'any', OpenApiVersion, readonly object[]]>([
    ['dpop', '3.0', [{ oauth2: ['a'], ...DPOP }]],
    ['dpop', '3.1', [{ oauth2: ['a'], ...DPOP }]],
    ['mtls', '3.1', [{ oauth2: ['a'], ...MTLS }]],
    ['mtls', '3.0', [{ oauth2: ['a'] }]],
    [
      'any',
      '3.2',
      [
        { oauth2: ['a'], ...DPOP },
        { oauth2: ['a'], ...MTLS },
      ],
    ],
    ['any', '2.0', [{ oauth2: [], ...DPOP }, { oauth2: [] }]],
  ])('by %s, in version %s', async (senderConstraint, version, security) => {
    const of = createResourceGuard({ ...guardOptions, senderConstraint });
    const { paths } = await documentWith([scope('a')], { of, options: { version } });
    const { get } = paths['/orders']!;
    expect(get!.security).toEqual(security);
    expect(/The access token must be bound to/.test(get!.description ?? '')).toBe(senderConstraint !== 'dpop' && ['2.0', '3.0'].includes(version));
  });
});

describe('a document that is written by hand', () => {
  test('rule 250: openApiSecurity needs no guard', async () => {
    const { security, responses, description } = openApiSecurity([scope('orders:read'), role('clerk')], { scheme: 'login', version: '3.0' });
    expect(security).toEqual([{ login: ['orders:read'] }]);
    await expectValidDocument({
      openapi: '3.0.4',
      info: { title: 'Orders', version: '1' },
      paths: { '/orders': { get: { description, security, responses: { ...responses, 200: { description: 'Fine' } } } } },
      components: {
        securitySchemes: { login: { type: 'openIdConnect', openIdConnectUrl: 'https://login.example.com/.well-known/openid-configuration' } },
        schemas: { [problemSchemaName]: problemSchema },
      },
    });
    expect(openApiSecurity([], { credentials: 'optional' }).security).toEqual([{}, { oauth2: [] }]);
    expect(() => openApiSecurity([], { schema: 'x' } as never)).toThrow(/schema: is not an option/);
  });

  test.each(['2.0', '3.0', '3.1', '3.2'] as const)('rule 292: names the schema of refusals as the document wants it (%s)', async (version) => {
    const document = await documentWith([scope('a')], { options: { version, problemSchemaName: 'Refusal' } });
    expect(Object.keys(document.components?.schemas ?? document.definitions!)).toEqual(['Refusal']);
    expect(JSON.stringify(document.paths)).toContain(version === '2.0' ? '"#/definitions/Refusal"' : '"#/components/schemas/Refusal"');
    expect(JSON.stringify(document.paths)).not.toContain('AccessProblem');
    expect(() => guard.openApi({ problemSchemaName: 'a b' })).toThrow(/problemSchemaName: must consist of letters/);
  });

  test('rule 292: a scheme with our name that is not for tokens is not referred to, unless an option names it', () => {
    const securitySchemes = { oauth2: { type: 'apiKey', in: 'header', name: 'x-key' }, 'oauth2.2': { type: 'http', scheme: 'basic' } };
    const of = (options: OpenApiOptions) => guard.openApi({ securitySchemes, ...options });
    const described = of({});
    expect(described.operation([scope('a')]).security).toEqual([{ 'oauth2.3': ['a'] }]);
    expect(Object.keys(described.components().securitySchemes)).toEqual(['oauth2.3']);
    expect(of({ scheme: 'oauth2' }).operation([scope('a')]).security).toEqual([{ oauth2: [] }]);
  });
});
