import { inspect } from 'node:util';
import { ConfigurationError, createIssuerClient, createResourceGuard, observe, type GuardOptions } from '@tokenward/core';
import { auth0, cognito, entraId, google, keycloak, okta } from '@tokenward/core/presets';
import { createNativeGuard } from '@tokenward/core/adapter';
import { createTestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createScene, expectAllowed } from './guarded.js';
import { optionPaths, optionsWith } from './option-names.js';

const MARK = 'pL4nT3d-S3cr3t-xY7zQ9wK2mN8vB5';
const good = { issuer: 'https://login.example.test', audience: 'https://api.example.test' };

/** Every option of a guard and of an issuer. The compiler reports a missing name. */
const OPTIONS = {
  issuer: true,
  tenants: true,
  unsafeAcceptAnyTenant: true,
  audience: true,
  unsafeAcceptTokensForAnyAudience: true,
  metadataUrl: true,
  jwksUri: true,
  jwks: true,
  jwksFile: true,
  sharedSecrets: true,
  sharedSecretsFile: true,
  unsafeHttpHosts: true,
  algorithms: true,
  clockSkewSeconds: true,
  profile: true,
  requiredClaims: true,
  requiredValues: true,
  forbiddenClaims: true,
  forbiddenValues: true,
  maxTokenAgeSeconds: true,
  maxTokenLifetimeSeconds: true,
  allowedClients: true,
  clientIdClaim: true,
  rolesClaim: true,
  scopesClaim: true,
  unsafeAcceptTokensWithoutIssuedAt: true,
  keyFetching: true,
  introspect: true,
  introspection: true,
  issuers: true,
  claims: true,
  decryptionKeys: true,
  encryptedTokens: true,
  tokenCache: true,
  session: true,
  credentials: true,
  clientCertificate: true,
  dpop: true,
  senderConstraint: true,
  revocations: true,
  scopes: true,
  monitoring: true,
  shadow: true,
  name: true,
  realm: true,
  publicOrigin: true,
  metadata: true,
  resourceMetadataUrl: true,
  maxTokenBytes: true,
  clock: true,
  fetch: true,
} satisfies Record<keyof GuardOptions, true>;

class Marked {
  readonly member = MARK;
  toString(): string {
    return MARK;
  }
  toJSON(): string {
    return MARK;
  }
  [inspect.custom](): string {
    return MARK;
  }
}

/** The mark in every type and shape that a value can have. */
const VALUES: readonly [string, unknown][] = [
  ['a string', MARK],
  ['a string with control characters', `\u001b[31m${MARK}\u0000\r\n\u202e`],
  ['a string with white space around it', ` ${MARK}\n`],
  ['the password of a URL', `https://user:${MARK}@login.example.test/`],
  ['the user of a URL', `https://${MARK}@login.example.test/`],
  ['the query of a URL', `https://login.example.test/?key=${MARK}`],
  ['the fragment of a URL', `https://login.example.test/#${MARK}`],
  ['a segment of a URL with a query', `https://login.example.test/${MARK}/?x`],
  ['the scheme of a URL', `${MARK}:x`],
  ['a URL over http', `http://login.example.test/${MARK}`],
  ['a URL that is not canonical', `https://LOGIN.example.test/${MARK}?`],
  ['a template', `https://login.example.test/x{tenant}/${MARK}`],
  ['a path', `/no/such/folder-\u0001/${MARK}`],
  ['a path with dots', `https://login.example.test/../${MARK}`],
  ['a list', [MARK]],
  ['a list within a list', [[MARK]]],
  ['a list with a hole', Object.assign([MARK], { length: 3 })],
  ['an object', { member: MARK }],
  ['an object whose member has that name', { [MARK]: MARK }],
  ['an object whose member is a list', { [MARK]: [[MARK], {}] }],
  ['an object without a prototype', Object.assign(Object.create(null) as object, { member: MARK })],
  ['an instance', new Marked()],
  ['a list of instances', [new Marked()]],
  ['bytes', Buffer.from(MARK)],
  ['a secret in a known form', { utf8: ` ${MARK}` }],
  ['a secret in an unknown form', { latin1: MARK }],
  ['a file', { path: `./no-such-folder/${MARK}\n`, encoding: MARK }],
  ['a function', Object.defineProperty(() => MARK, 'name', { value: MARK })],
  ['a symbol', Symbol(MARK)],
  ['a bigint', BigInt(`0x${Buffer.from(MARK).toString('hex')}`)],
];

const HIDDEN: readonly string[] = [MARK, MARK.toLowerCase(), BigInt(`0x${Buffer.from(MARK).toString('hex')}`).toString(), Buffer.from(MARK).toString('base64')];

/** Every text in which an error can be shown. */
function textsOf(error: unknown): string {
  const { message, stack, cause, problems } = error as ConfigurationError;
  return [
    message,
    stack,
    inspect(cause, { depth: Infinity }),
    JSON.stringify(problems),
    JSON.stringify(error),
    String(error),
    inspect(error, { depth: Infinity, showHidden: true }),
  ].join('\n');
}

function expectHidden(run: () => unknown, what: string): void {
  let error: unknown;
  try {
    const made = run() as { close?: () => Promise<void> } | undefined;
    void made?.close?.();
    return;
  } catch (thrown) {
    error = thrown;
  }
  expect(error, what).toBeInstanceOf(ConfigurationError);
  const texts = textsOf(error);
  for (const hidden of HIDDEN) expect(texts.includes(hidden), `${what}: ${texts}`).toBe(false);
  // eslint-disable-next-line no-control-regex -- the test looks for control characters
  expect((error as Error).message, what).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202f]/);
}

describe('rule 185: no error message about options contains a misplaced secret', () => {
  test.each(Object.keys(OPTIONS))('as the value of %s', (name) => {
    for (const [shape, value] of VALUES) {
      expectHidden(() => createResourceGuard({ ...good, [name]: value } as GuardOptions), `${name}: ${shape}`);
      if (name !== 'issuers')
        expectHidden(() => createResourceGuard({ audience: 'a', issuers: [{ ...good, [name]: value }] } as GuardOptions), `issuers[0].${name}: ${shape}`);
      expectHidden(() => createNativeGuard({ ...good, [name]: value }, () => ({ method: 'GET', target: '/', headers: {} })), `an adapter's ${name}: ${shape}`);
    }
  });

  const inner = optionPaths.filter((path) => path.includes('.'));

  test.each(inner)('as the value of %s', (path) => {
    for (const [shape, value] of VALUES) expectHidden(() => createResourceGuard({ ...good, ...optionsWith(path, value) }), `${path}: ${shape}`);
  });

  test('as the value of a required claim', () => {
    for (const name of ['tid', MARK, `https://${MARK}@x.example.test/`]) {
      for (const [shape, value] of VALUES)
        expectHidden(() => createResourceGuard({ ...good, requiredValues: { [name]: value } } as GuardOptions), `requiredValues.${name}: ${shape}`);
    }
  });

  test('as the name of an option', () => {
    for (const name of [MARK, `\u001b${MARK}`, `audience ${MARK}`, `https://u:${MARK}@x`, MARK.repeat(100)]) {
      expectHidden(() => createResourceGuard({ ...good, [name]: 1 } as GuardOptions), name);
      expectHidden(() => createResourceGuard({ ...good, keyFetching: { [name]: 1 } } as GuardOptions), name);
      expectHidden(() => createNativeGuard({ ...good, [name]: 1 }, () => ({ method: 'GET', target: '/', headers: {} })), name);
      expectHidden(() => keycloak({ url: 'https://login.example.test', realm: 'r', audience: 'a', [name]: 1 }), name);
      expectHidden(() => observe(name as never, () => {}), name);
    }
    expect(() => createResourceGuard({ ...good, [MARK]: 1 } as GuardOptions)).toThrow(`(a name of ${MARK.length} characters): is not an option`);
  });

  test('in the options of presets and of createIssuerClient', () => {
    for (const [shape, value] of VALUES) {
      const calls: Record<string, () => unknown> = {
        'auth0 domain': () => createResourceGuard(auth0({ domain: value as string, audience: 'a' })),
        'cognito region': () => createResourceGuard(cognito({ region: value as string, userPoolId: 'eu-central-1_A', clientIds: ['a'] })),
        'cognito userPoolId': () => createResourceGuard(cognito({ region: 'eu-central-1', userPoolId: value as string, clientIds: ['a'] })),
        'cognito userPoolId of another region': () =>
          createResourceGuard(
            cognito({ region: 'eu-central-1', userPoolId: `us-east-1_${shape === 'a string' ? MARK.replaceAll('-', '') : ''}`, clientIds: ['a'] }),
          ),
        'cognito clientIds': () => createResourceGuard(cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_A', clientIds: value as string[] })),
        'entraId tenantId': () => createResourceGuard(entraId({ tenantId: value as string, audience: 'a' })),
        'entraId tenantIds': () => createResourceGuard(entraId({ tenantIds: value as string[], audience: 'a' })),
        'entraId tokenVersion': () =>
          createResourceGuard(entraId({ tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', audience: 'a', tokenVersion: value as 1 })),
        'google serviceAccounts': () => createResourceGuard(google({ audience: 'a', serviceAccounts: value as string[] })),
        'keycloak url': () => createResourceGuard(keycloak({ url: value as string, realm: 'r', audience: 'a' })),
        'keycloak realm': () => createResourceGuard(keycloak({ url: 'https://login.example.test', realm: value as string, audience: 'a' })),
        'keycloak clientId': () => createResourceGuard(keycloak({ url: 'https://login.example.test', realm: 'r', audience: 'a', clientId: value as string })),
        'okta domain': () => createResourceGuard(okta({ domain: value as string, audience: 'a' })),
        'okta authorizationServerId': () => createResourceGuard(okta({ domain: 'x.okta.com', audience: 'a', authorizationServerId: value as string })),
      };
      for (const name of ['issuer', 'clientId', 'clientSecret', 'authentication', 'metadataUrl', 'unsafeHttpHosts', 'revocationEndpoint', 'timeoutSeconds'])
        calls[`client ${name}`] = () => createIssuerClient({ issuer: 'https://login.example.test', clientId: 'c', clientSecret: 's', [name]: value });
      for (const [what, call] of Object.entries(calls)) expectHidden(call, `${what}: ${shape}`);
    }
  });

  test('in the options of receivers and revocations, and in the arguments of permit and check', async () => {
    const { guard, decide } = await createScene();
    const { auth } = expectAllowed(await decide({}));
    for (const [shape, value] of VALUES) {
      for (const name of ['clientId', 'replays', MARK])
        expectHidden(() => guard.backchannelLogout({ clientId: 'c', [name]: value }), `backchannelLogout ${name}: ${shape}`);
      for (const name of ['audience', 'authorization', 'unsafeAcceptUnauthenticatedTransmitters', 'replays', MARK])
        expectHidden(() => guard.sharedSignals({ audience: 'a', authorization: 'x'.repeat(30), [name]: value }), `sharedSignals ${name}: ${shape}`);
      expectHidden(() => guard.permit(auth!, value as never), `permit: ${shape}`);
      expectHidden(() => guard.permit(value as never, undefined as never), `permit: ${shape}`);
      expectHidden(() => void guard.check({ method: 'GET', target: '/', headers: {} }, value as never), `check: ${shape}`);
      expectHidden(() => void guard.check(value as never), `check: ${shape}`);
      for (const call of [{ subject: value }, { [MARK]: value }, { subject: 's', issuer: value }, value]) {
        const error: unknown = await guard.revocations.revoke(call as never).catch((thrown: unknown) => thrown);
        if (error !== undefined) expectHidden(() => { throw error; }, `revoke: ${shape}`); // prettier-ignore
      }
      for (const options of [{ reason: value }, { until: value }, { at: value }, { [MARK]: value }]) {
        const error: unknown = await guard.revocations.revoke({ subject: 's' }, options as never).catch((thrown: unknown) => thrown);
        if (error !== undefined) expectHidden(() => { throw error; }, `revoke: ${shape}`); // prettier-ignore
      }
    }
  });

  test('still shows values that are not secret', async () => {
    const issuer = await createTestIssuer();
    onTestFinished(() => issuer.close());
    const message = (options: object): string => {
      try {
        createResourceGuard({ ...good, ...options } as GuardOptions);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(message({ jwksUri: 'http://keycloak:8080/realms/shop/certs?x' })).toContain('"http://keycloak:8080/realms/shop/certs?..."');
    expect(message({ algorithms: ['RS257'] })).toContain('lists "RS257"');
    expect(message({ clockSkewSeconds: 9999 })).toContain('(got 9999)');
    expect(message({ audiance: 1 })).toContain('audiance: is not an option: did you mean audience?');
    expect(message({ keyFetching: { jwksHosts: ['Keys.example.test'] } })).toContain('"Keys.example.test"');
    expect(message({ issuer: 'https://login.example.test/.well-known/openid-configuration' })).toContain('openid-configuration');
  });
});
