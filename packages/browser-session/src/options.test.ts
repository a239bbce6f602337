import { generateKeyPairSync } from 'node:crypto';
import { ConfigurationError } from '@tokenward/core';
import { afterEach, describe, expect, test } from 'vitest';
import type { BrowserSessionOptions } from './browser-session-options.js';
import { readOptions } from './options.js';

const SECRET = 'Zk3v9Q1xY7r0Wb5tN2mC8uJ4hL6sD0fG1aPq';
const GOOD = {
  issuer: 'https://login.example.com',
  clientId: 'web-app',
  clientSecret: 'a client secret',
  origin: 'https://app.example.com',
  secrets: [SECRET],
} satisfies BrowserSessionOptions;

function problemsOf(options: object): string[] {
  try {
    readOptions(options as BrowserSessionOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).not.toContain(SECRET);
    return (error as ConfigurationError).problems.map(({ path, message }) => `${path.replace('createBrowserSession().', '')}: ${message}`);
  }
  return [];
}

const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

test('returns the defaults', () => {
  const config = readOptions(GOOD);
  expect(config).toMatchObject({
    path: '/session',
    scope: 'openid offline_access',
    resource: [],
    mode: 'bff',
    cookieName: '__Host-session',
    sameSite: 'Strict',
    idleSeconds: 3600,
    maxSeconds: 43_200,
    loginSeconds: 600,
    clientAuthentication: 'client_secret_basic',
    afterLogout: '/',
    clockSkewSeconds: 30,
    timeoutSeconds: 5,
  });
  expect(config.revocations.isCurrent()).toBe(true);
});

test('RFC 10017 s6.1.3.2: the name of the cookie may have the prefix __Host-Http-', () => {
  expect(readOptions({ ...GOOD, cookieName: 'Http-session' }).cookieName).toBe('__Host-Http-session');
});

test.each([
  [{ origin: 'http://localhost:3000' }],
  [{ origin: 'http://127.0.0.1:3000' }],
  [{ origin: 'http://app.localhost:3000' }],
  [{ scope: 'orders:read openid' }],
  [{ resource: ['https://api.example.com', 'urn:example:api'] }],
  [{ authorizationParameters: { ui_locales: 'de', organization: 'acme', prompt: 'consent' } }],
  [{ loginParameters: { organization: ['org_1', 'org_2'], ui_locales: /[a-z]{2}/, login_hint: (value: string) => value.endsWith('@example.com') } }],
  [{ clientSecret: undefined, privateKey: { key: privateKey, kid: 'k1' } }],
  [{ clientSecret: undefined, clientAuthentication: 'none' }],
  [{ clientSecret: undefined, clientAuthentication: 'tls_client_auth', fetch: globalThis.fetch }],
  [{ issuer: 'http://keycloak:8080/realms/a', unsafeHttpHosts: ['keycloak'] }],
  [{ path: '/auth/session', cookieName: 'sid', sameSite: 'lax', mode: 'token-mediating', afterLogout: '/bye?x=1' }],
  [{ idleSeconds: 900, maxSeconds: 900 }],
])('takes %o', (options) => {
  expect(problemsOf({ ...GOOD, ...options })).toEqual([]);
});

test.each<[object, RegExp]>([
  [{ issuer: undefined }, /^issuer: is missing/],
  [{ issuer: 'login.example.com' }, /^issuer: is not an absolute URL/],
  [{ issuer: 'http://login.example.com' }, /^issuer: must use https/],
  [{ issuer: 'https://login.example.com?x=1' }, /^issuer: /],
  [{ clientId: undefined }, /^clientId: is missing/],
  [{ clientId: 'web-app\n' }, /^clientId: begins or ends with white space/],
  [{ clientSecret: undefined }, /^clientSecret: is missing/],
  [{ clientSecret: 'secret\n' }, /^clientSecret: begins or ends with white space/],
  [{ clientAuthentication: 'none' }, /^clientSecret: cannot be combined with clientAuthentication none/],
  [{ clientAuthentication: 'client_secret_jwt' }, /^clientAuthentication: must be one of .*client_secret_jwt/],
  [{ clientSecret: undefined, clientAuthentication: 'private_key_jwt' }, /^privateKey: is missing/],
  [{ privateKey: { key: privateKey } }, /^privateKey: cannot be combined/],
  [{ clientSecret: undefined, privateKey: { key: 'not a key' } }, /^privateKey\.key: must be a private key/],
  [{ clientSecret: undefined, privateKey: { key: privateKey, algorithm: 'RS256' } }, /^privateKey\.algorithm: must be one of ES256/],
  [{ clientSecret: undefined, privateKey: { key: { kty: 'EC' } } }, /^privateKey\.key: /],
  [{ clientSecret: undefined, clientAuthentication: 'tls_client_auth' }, /^tls: is missing/],
  [{ tls: { cert: 'client.pem', key: 'client.key' } }, /^tls\.cert: must be a certificate in PEM/],
  [{ origin: undefined }, /^origin: is missing/],
  [{ origin: 'https://app.example.com/' }, /^origin: must be an origin alone/],
  [{ origin: 'https://app.example.com/app' }, /^origin: must be an origin alone/],
  [{ origin: 'https://app.example.com:443' }, /^origin: must be an origin alone/],
  [{ origin: 'http://app.example.com' }, /^origin: must use https/],
  [{ origin: 'https://user:password@app.example.com' }, /^origin: contains a user name/],
  [{ origin: 1 }, /^origin: must be a string/],
  [{ path: 'session' }, /^path: /],
  [{ path: '/' }, /^path: /],
  [{ path: '/session/' }, /^path: /],
  [{ path: '//session' }, /^path: /],
  [{ path: '/../session' }, /^path: /],
  [{ path: '/session?x' }, /^path: /],
  [{ scope: 'orders:read' }, /^scope: lacks openid/],
  [{ scope: 'openid  email' }, /^scope: must be scopes/],
  [{ resource: [] }, /^resource: /],
  [{ scope: 'openid,orders:read' }, /^scope: must have spaces between its scopes\. Write "openid orders:read"/],
  [{ origin: 'localhost:3000' }, /^origin: has no scheme\. Write http:\/\/ before "localhost"/],
  [{ resource: 'orders' }, /^resource: must be an absolute URI/],
  [{ resource: 'https://api.example.com/#x' }, /^resource: must be an absolute URI/],
  [{ secrets: undefined }, /^secrets: is missing/],
  [{ secrets: [] }, /^secrets: must be a list/],
  [{ secrets: SECRET }, /^secrets: must be a list/],
  [{ secrets: [undefined] }, /^secrets\[0\]: must be a string .*environment variable/],
  [{ secrets: [SECRET, 'short'] }, /^secrets\[1\]: must have at least 32 characters \(got 5\)/],
  [{ secrets: ['a'.repeat(64)] }, /^secrets\[0\]: is not random/],
  [{ secrets: [`${SECRET}\n`] }, /^secrets\[0\]: begins or ends with white space/],
  [{ secrets: [SECRET, SECRET] }, /^secrets: has the same secret twice/],
  [{ authorizationParameters: { state: 'x' } }, /^authorizationParameters\.state: is set by this package/],
  [{ authorizationParameters: { redirect_uri: 'https://evil.example' } }, /^authorizationParameters\.redirect_uri: /],
  [{ authorizationParameters: { client_secret: SECRET } }, /^authorizationParameters\.client_secret: /],
  [{ authorizationParameters: { code_challenge_method: 'plain' } }, /^authorizationParameters\.code_challenge_method: /],
  [{ authorizationParameters: { response_mode: 'form_post' } }, /^authorizationParameters\.response_mode: /],
  [{ authorizationParameters: { ui_locales: 1 } }, /^authorizationParameters\.ui_locales: must be a string/],
  [{ authorizationParameters: ['x'] }, /^authorizationParameters: must be an object/],
  [{ authorizationParameters: { Redirect_URI: 'https://evil.example' } }, /^authorizationParameters\.Redirect_URI: /],
  [{ loginParameters: [['organization', 'org_1']] }, /^loginParameters: must be an object, such as \{ organization/],
  ...[
    'client_id',
    'Client_ID',
    'redirect_uri',
    'state',
    'scope',
    'response_type',
    'nonce',
    'code_challenge',
    'request',
    'request_uri',
    'claims',
    'resource',
  ].map((name): [object, RegExp] => [
    { loginParameters: { [name]: ['x'] } },
    new RegExp(`^loginParameters\\.${name}: cannot be chosen by a page in this way\\. \\w+ .+`),
  ]),
  [{ loginParameters: { prompt: ['login'] } }, /^loginParameters\.prompt: .* The login route takes it in any case$/],
  [{ loginParameters: { returnTo: ['/'] } }, /^loginParameters\.returnTo: /],
  [{ loginParameters: { 'a b': ['x'] } }, /^loginParameters: has a parameter whose name is not 1 to 60 letters/],
  [{ loginParameters: { organization: 'org_1' } }, /^loginParameters\.organization: must be a list of values, a regular expression, or a function/],
  [{ loginParameters: { organization: [] } }, /^loginParameters\.organization: must list 1 to/],
  [{ loginParameters: { organization: ['org_1', 2] } }, /^loginParameters\.organization\[1\]: must be a string of 1 to 500 printable/],
  [{ loginParameters: { organization: ['org_1\n'] } }, /^loginParameters\.organization\[0\]: must be a string/],
  [{ loginParameters: { organization: /org_\d/g } }, /^loginParameters\.organization: has the flag g or y/],
  [{ loginParameters: { organization: async () => true } }, /^loginParameters\.organization: must not be an async function/],
  [{ mode: 'spa' }, /^mode: must be one of/],
  [{ sameSite: 'none' }, /^sameSite: must be one of/],
  [{ cookieName: '__Host-session' }, /^cookieName: .*prefix/],
  [{ cookieName: 'a b' }, /^cookieName: /],
  [{ cookieName: 'login-x' }, /^cookieName: must not be login/],
  [{ afterLogout: 'https://evil.example' }, /^afterLogout: must be a path/],
  [{ afterLogout: '//evil.example' }, /^afterLogout: must be a path/],
  [{ idleSeconds: 5 }, /^idleSeconds: must be a whole number/],
  [{ idleSeconds: '1h' }, /^idleSeconds: must be a whole number/],
  [{ maxSeconds: 600 }, /^maxSeconds: .*must not be less than idleSeconds/],
  [{ idleSeconds: 86_400 }, /^idleSeconds: .*must not be less than idleSeconds/],
  [{ loginSeconds: 0 }, /^loginSeconds: /],
  [{ timeoutSeconds: Infinity }, /^timeoutSeconds: /],
  [{ clockSkewSeconds: -1 }, /^clockSkewSeconds: /],
  [{ accessTokenSeconds: 0 }, /^accessTokenSeconds: /],
  [{ store: {} }, /^store: has no function create/],
  [{ revocations: 'redis' }, /^revocations: has no function/],
  [{ metadataUrl: 'http://login.example.com/x' }, /^metadataUrl: must use https/],
  [{ unsafeHttpHosts: ['http://keycloak'] }, /^unsafeHttpHosts: /],
  [{ fetch: 1 }, /^fetch: must be a function/],
  [{ clock: {} }, /^clock: needs/],
  [{ issuerUrl: 'x' }, /^issuerUrl: is not an option/],
])('refuses %o, and says why', (options, expected) => {
  expect(problemsOf({ ...GOOD, ...options }).filter((problem) => expected.test(problem))).toHaveLength(1);
});

test('lists all problems at once', () => {
  expect(problemsOf({ ...GOOD, origin: 'x', secrets: [], path: 'x' })).toHaveLength(3);
});

test.each([undefined, null, [], 'x', new Map()])('takes only a plain object: %s', (options) => {
  expect(problemsOf(options as never)).toHaveLength(1);
});

describe('with a polluted prototype', () => {
  afterEach(() => {
    for (const name of ['clientSecret', 'unsafeHttpHosts', 'sameSite']) delete (Object.prototype as Record<string, unknown>)[name];
  });

  test('reads no option from it', () => {
    Object.assign(Object.prototype, { clientSecret: 'inherited', unsafeHttpHosts: ['evil.example'], sameSite: 'lax' });
    expect(problemsOf({ ...GOOD, clientSecret: undefined, issuer: 'http://evil.example' })).toHaveLength(2);
    expect(readOptions(GOOD).sameSite).toBe('Strict');
  });
});
