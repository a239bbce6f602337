import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { BrowserSessionOptions } from '../browser-session-options.js';
import { readOptions } from '../options.js';
import { createLoginClient } from './create-login-client.js';
import { isFailure, type IssuerFailure, type LoginAttempt, type LoginResult } from './login-client.js';

const ISSUER = 'https://login.example.com';
const CLIENT_ID = 'web-app';
const ACCESS_TOKEN = 'an-access-token';
/** Not the machine's time: what is checked by the machine's clock fails. */
const NOW = 2_000_000_000;

let key: CryptoKey;
let otherKey: CryptoKey;
let otherPublicKey: CryptoKey;
let published: JWK[];

beforeAll(async () => {
  const pairs = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
  key = pairs[0]!.privateKey;
  otherKey = pairs[1]!.privateKey;
  otherPublicKey = pairs[1]!.publicKey;
  published = [{ ...(await exportJWK(pairs[0]!.publicKey)), kid: 'k1', alg: 'ES256' }];
});

/** What the scripted issuer does. A right server never does most of it. */
interface Script {
  metadata: Record<string, unknown>;
  claims: Record<string, unknown>;
  header: Record<string, unknown>;
  response: Record<string, unknown>;
  idToken: string | undefined | null;
  signer: () => CryptoKey;
  answer: Record<string, (init: RequestInit) => Response | Promise<Response>>;
  keys: () => unknown;
}

let script: Script;
let requests: string[];

beforeEach(() => {
  requests = [];
  script = { metadata: {}, claims: {}, header: {}, response: {}, idToken: null, signer: () => key, answer: {}, keys: () => ({ keys: published }) };
});

async function idTokenFor(nonce: string | undefined): Promise<string> {
  const claims = { iss: ISSUER, sub: 'alice', aud: CLIENT_ID, iat: NOW, exp: NOW + 300, nonce, sid: 's1', ...script.claims };
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1', ...script.header }).sign(script.signer());
}

function clientWith(options: Partial<BrowserSessionOptions> = {}) {
  let nonce: string | undefined;

  async function answerOf(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url);
    requests.push(`${init.method ?? 'GET'} ${pathname}`);
    expect(init.redirect).toBe('manual');
    const own = script.answer[pathname];
    if (own) return own(init);
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return Response.json({
          issuer: ISSUER,
          authorization_endpoint: `${ISSUER}/authorize`,
          token_endpoint: `${ISSUER}/token`,
          jwks_uri: `${ISSUER}/jwks`,
          end_session_endpoint: `${ISSUER}/logout`,
          id_token_signing_alg_values_supported: ['ES256'],
          ...script.metadata,
        });
      case '/jwks':
        return Response.json(script.keys());
      case '/token': {
        const id_token = script.idToken === null ? await idTokenFor(nonce) : script.idToken;
        return Response.json({ access_token: ACCESS_TOKEN, token_type: 'Bearer', expires_in: 300, refresh_token: 'r1', id_token, ...script.response });
      }
      default:
        return new Response('not found', { status: 404 });
    }
  }

  const config = readOptions({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: 'secret',
    origin: 'https://app.example.com',
    secrets: ['Zk3v9Q1xY7r0Wb5tN2mC8uJ4hL6sD0fG1aPq'],
    scope: 'openid orders:read',
    clock: { now: () => NOW * 1000, monotonic: () => performance.now() },
    fetch: ((url: string, init: RequestInit) => answerOf(url, init)) as typeof globalThis.fetch,
    ...options,
  });
  const client = createLoginClient(config);

  async function begin(parameters: Partial<Parameters<typeof client.begin>[0]> = {}): Promise<{ url: URL; attempt: LoginAttempt }> {
    const begun = await client.begin({ returnTo: '/', ...parameters }, undefined);
    if (isFailure(begun)) throw new Error(begun.cause);
    nonce = begun.attempt.nonce;
    return { url: new URL(begun.url), attempt: begun.attempt };
  }

  async function logIn(
    parameters: Partial<Parameters<typeof client.begin>[0]> = {},
    change: (query: URLSearchParams) => void = () => {},
  ): Promise<LoginResult | IssuerFailure> {
    const { attempt } = await begin(parameters);
    const callback = new URL(`https://app.example.com/session/callback?code=c1&state=${attempt.state}`);
    change(callback.searchParams);
    return client.finish(callback, attempt);
  }
  return { client, begin, logIn };
}

/** The issuer takes pushed requests, and holds each back. Returns what answers them. The timers are fake, so that no time-out ends a call. */
function holdPushes(): readonly ((response: Response) => void)[] {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  script.metadata = { pushed_authorization_request_endpoint: `${ISSUER}/par` };
  const held: ((response: Response) => void)[] = [];
  script.answer = { '/par': () => new Promise((resolve) => held.push(resolve)) };
  return held;
}

/** Time that passes for everybody: for the options' clock, and for the machine's. */
function passingTime() {
  let ms = 0;
  const start = Date.now();
  const machine = vi.spyOn(Date, 'now').mockReturnValue(start);
  onTestFinished(() => machine.mockRestore());
  return {
    clock: { now: () => NOW * 1000, monotonic: () => ms },
    minutes(minutes: number): void {
      ms += minutes * 60_000;
      machine.mockReturnValue(start + ms);
    },
  };
}

function invalid(cause: string): IssuerFailure {
  return expect.objectContaining({ failure: 'invalid', cause: expect.stringContaining(cause) as string }) as IssuerFailure;
}

test('rule 125: takes a right ID token, by the clock of the options', async () => {
  expect(await clientWith().logIn()).toEqual({
    accessToken: ACCESS_TOKEN,
    accessTokenEndsAt: NOW + 300,
    scopes: ['openid', 'orders:read'],
    refreshToken: 'r1',
    refreshTokenEndsAt: undefined,
    idToken: expect.any(String),
    issuer: ISSUER,
    subject: 'alice',
    issuerSessionId: 's1',
    issuedAt: NOW,
    sessionEndsAt: undefined,
  });
});

describe('rule 125: refuses an ID token', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['without a nonce', { nonce: undefined }, 'nonce'],
    ['with another nonce', { nonce: 'n' }, 'wrong nonce'],
    ['of another issuer', { iss: 'https://evil.example' }, 'wrong iss'],
    ['without an issuer', { iss: undefined }, ''],
    ['for another client', { aud: 'other' }, 'wrong aud'],
    ['for several clients without azp', { aud: [CLIENT_ID, 'other'] }, 'wrong aud'],
    ['for several clients with another azp', { aud: [CLIENT_ID, 'other'], azp: 'other' }, 'wrong azp'],
    ['with another azp', { azp: 'other' }, 'wrong azp'],
    ['that has expired', { exp: NOW - 31 }, 'exp'],
    ['without exp', { exp: undefined }, ''],
    ['of the future', { iat: NOW + 31 }, 'iat'],
    ['that is old', { iat: NOW - 700 }, 'iat'],
    ['without iat', { iat: undefined }, ''],
    ['without sub', { sub: undefined }, ''],
    ['with an empty sub', { sub: '' }, 'sub'],
    ['with a sub that is too long for cookies', { sub: '\u{1F600}'.repeat(300) }, 'wrong sub'],
    ['with a sub that is no string', { sub: 1 }, ''],
    ['for another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'at_hash'],
  ])('%s', async (_name, claims, cause) => {
    script.claims = claims;
    expect(await clientWith().logIn()).toEqual(invalid(cause));
  });

  test('with a right at_hash it is taken', async () => {
    script.claims = { at_hash: createHash('sha256').update(ACCESS_TOKEN).digest().subarray(0, 16).toString('base64url') };
    expect(await clientWith().logIn()).toMatchObject({ subject: 'alice' });
  });

  test('with a wrong signature', async () => {
    script.signer = () => otherKey;
    expect(await clientWith().logIn()).toEqual(invalid('signature'));
  });

  test('without a signature (alg none), also if the metadata lists none', async () => {
    script.metadata = { id_token_signing_alg_values_supported: ['none', 'ES256'] };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { client, begin } = clientWith();
    const { attempt } = await begin();
    const claims = { iss: ISSUER, sub: 'alice', aud: CLIENT_ID, iat: NOW, exp: NOW + 300, nonce: attempt.nonce };
    script.idToken = `${part({ alg: 'none' })}.${part(claims)}.`;
    expect(await client.finish(new URL(`https://app.example.com/x?code=c&state=${attempt.state}`), attempt)).toEqual(invalid('alg'));
  });

  test('with an algorithm that the metadata does not list', async () => {
    script.metadata = { id_token_signing_alg_values_supported: ['RS256'] };
    expect(await clientWith().logIn()).toEqual(invalid('alg'));
  });

  test('that is missing, or no JWT', async () => {
    script.idToken = undefined;
    expect(await clientWith().logIn()).toEqual(invalid('no ID token'));
    script.idToken = 'x';
    expect(await clientWith().logIn()).toEqual(invalid(''));
  });

  test('with a login that is older than max_age, or does not say when it was', async () => {
    script.claims = { auth_time: NOW - 100 };
    expect(await clientWith().logIn({ maxAge: 60 })).toEqual(invalid('older than was asked for'));
    expect(await clientWith().logIn({ maxAge: 80 })).toMatchObject({ subject: 'alice' });
    script.claims = {};
    expect(await clientWith().logIn({ maxAge: 60 })).toEqual(invalid('auth_time'));
  });
});

describe('keys', () => {
  test('fetches them once for several logins, and at once for an unknown kid', async () => {
    const { logIn } = clientWith();
    await logIn();
    await logIn();
    expect(requests.filter((request) => request === 'GET /jwks')).toHaveLength(1);
    const next = published.map((jwk) => ({ ...jwk, kid: 'k2' }));
    script.keys = () => ({ keys: next });
    script.header = { kid: 'k2' };
    expect(await logIn()).toMatchObject({ subject: 'alice' });
    expect(requests.filter((request) => request === 'GET /jwks')).toHaveLength(2);
    expect(requests.filter((request) => request.includes('well-known'))).toHaveLength(1);
  });

  test('rule 61: old keys serve while they are fetched again, and an outage of theirs ends no login', async () => {
    const pass = passingTime();
    const { logIn } = clientWith({ clock: pass.clock });
    await logIn();
    pass.minutes(11);
    for (const answer of [() => new Promise<Response>(() => {}), () => new Response(null, { status: 503 })]) {
      script.answer = { '/jwks': answer };
      expect(await logIn()).toMatchObject({ subject: 'alice' });
    }
  });

  test('rule 61: keys that could not be fetched for 70 minutes serve no more', async () => {
    const pass = passingTime();
    const { logIn } = clientWith({ clock: pass.clock });
    await logIn();
    script.answer = { '/jwks': () => new Response(null, { status: 503 }) };
    pass.minutes(69);
    expect(await logIn()).toMatchObject({ subject: 'alice' });
    pass.minutes(1);
    expect(await logIn()).toEqual({ failure: 'unavailable', cause: `${ISSUER}/jwks: answered with status 503`, refreshToken: 'r1' });
  });

  test('rule 61: after a quiet time the keys are fetched before they serve: a key that was withdrawn verifies nothing', async () => {
    const pass = passingTime();
    const { logIn } = clientWith({ clock: pass.clock });
    await logIn();
    pass.minutes(21);
    script.keys = () => ({ keys: [] });
    expect(await logIn()).toEqual(invalid('does not publish the key'));
  });

  test.each(['k1', undefined])('a signature that is wrong by the cached keys is checked by the newest: the kid is %s', async (kid) => {
    const { client, logIn } = clientWith();
    script.keys = () => ({ keys: published.map((jwk) => ({ ...jwk, kid })) });
    script.header = { kid };
    expect(await logIn()).toMatchObject({ subject: 'alice' });
    const next = { ...(await exportJWK(otherPublicKey)), kid, alg: 'ES256' };
    script.keys = () => ({ keys: [next] });
    script.signer = () => otherKey;
    expect(await logIn()).toMatchObject({ subject: 'alice' });
    script.signer = () => key;
    expect(await client.refresh('r1', { subject: 'alice', issuer: ISSUER, scopes: [] })).toMatchObject({ failure: 'unusable' });
    expect(requests.filter((request) => request === 'GET /jwks')).toHaveLength(3);
  });

  test.each<[string, object]>([
    ['null use', { use: null }],
    ['null alg', { alg: null }],
    ['null key_ops', { key_ops: null }],
    ['null ext', { ext: null }],
    ['null d', { d: null }],
    ['blank use', { use: '' }],
    ['blank alg', { alg: ' ' }],
  ])('rule 168: a key with a %s verifies the ID token of a login and of a refresh', async (_name, members) => {
    script.keys = () => ({ keys: published.map((jwk) => ({ ...jwk, ...members })) });
    const { client, logIn } = clientWith();
    expect(await logIn()).toMatchObject({ subject: 'alice' });
    script.claims = { nonce: undefined };
    expect(await client.refresh('r1', { subject: 'alice', issuer: ISSUER, scopes: [] })).toMatchObject({ idToken: expect.any(String) as string });
  });

  test.each([
    ['Ed25519', 'EdDSA', ['Ed25519']],
    ['EdDSA', 'Ed25519', ['EdDSA']],
    ['EdDSA', 'Ed25519', undefined],
    [undefined, 'Ed25519', ['EdDSA']],
  ])('rule 26: EdDSA and Ed25519 are one algorithm: a key for %s, an ID token with %s, and metadata that lists %s', async (alg, header, listed) => {
    const { privateKey, publicKey } = await generateKeyPair('Ed25519');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg };
    script.keys = () => ({ keys: [jwk] });
    script.signer = () => privateKey;
    script.header = { alg: header };
    script.metadata = { id_token_signing_alg_values_supported: listed };
    expect(await clientWith().logIn()).toMatchObject({ subject: 'alice' });
  });

  test('rule 31: a key whose alg is of another curve or kind verifies nothing', async () => {
    for (const members of [{ crv: 'P-256', alg: 'EdDSA' }, { alg: 'Ed25519' }, { alg: 'RS256' }]) {
      script.keys = () => ({ keys: published.map((jwk) => ({ ...jwk, ...members })) });
      expect(await clientWith().logIn()).toEqual(invalid('does not publish the key'));
    }
    // of another kind, though its curve is that of the algorithm
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', crv: 'Ed25519', alg: 'EdDSA' };
    script.keys = () => ({ keys: [jwk] });
    script.signer = () => privateKey;
    script.header = { alg: 'RS256' };
    script.metadata = { id_token_signing_alg_values_supported: ['RS256', 'EdDSA'] };
    expect(await clientWith().logIn()).toEqual(invalid('does not publish the key'));
  });

  test('rule 168: a null among the keys makes the others no worse', async () => {
    script.keys = () => ({ keys: [null, ...published] });
    expect(await clientWith().logIn()).toMatchObject({ subject: 'alice' });
  });

  test('a clock that is set back hides no new key', async () => {
    const pass = passingTime();
    const { logIn } = clientWith({ clock: pass.clock });
    await logIn();
    vi.mocked(Date.now).mockReturnValue(Date.now() - 3_600_000);
    const next = published.map((jwk) => ({ ...jwk, kid: 'k2' }));
    script.keys = () => ({ keys: next });
    script.header = { kid: 'k2' };
    expect(await logIn()).toMatchObject({ subject: 'alice' });
  });

  test('a key set with a broken key is an outage, and says nothing about the ID token', async () => {
    script.keys = () => ({ keys: [{ kty: 'EC', crv: 'P-256', kid: 'k1', alg: 'ES256', x: 'AA', y: 'AA' }] });
    expect(await clientWith().logIn()).toMatchObject({ failure: 'unavailable', cause: `${ISSUER}/jwks: the answer is not a key set (JWKS)` });
  });

  test('finds the right one of several without a kid', async () => {
    const { publicKey } = await generateKeyPair('ES256');
    const keys = [
      { ...(await exportJWK(publicKey)), alg: 'ES256' },
      { ...published[0], kid: undefined },
    ];
    script.keys = () => ({ keys });
    script.header = { kid: undefined };
    expect(await clientWith().logIn()).toMatchObject({ subject: 'alice' });
  });
});

describe('a callback', () => {
  test('rule 126: from another issuer is refused, and the code goes nowhere', async () => {
    expect(await clientWith().logIn({}, (query) => query.set('iss', 'https://evil.example'))).toEqual(invalid('another issuer'));
    script.metadata = { authorization_response_iss_parameter_supported: true };
    expect(await clientWith().logIn()).toEqual(invalid('another issuer'));
    expect(requests).not.toContain('POST /token');
    expect(await clientWith().logIn({}, (query) => query.set('iss', ISSUER))).toMatchObject({ subject: 'alice' });
  });

  test('rule 124: with another state, or without one, is refused', async () => {
    expect(await clientWith().logIn({}, (query) => query.set('state', 's'))).toEqual(invalid('state'));
    expect(await clientWith().logIn({}, (query) => query.delete('state'))).toEqual(invalid('state'));
    expect(requests).not.toContain('POST /token');
  });

  test.each<[string, IssuerFailure]>([
    ['access_denied', { failure: 'refused', cause: 'access_denied' }],
    ['temporarily_unavailable', { failure: 'unavailable', cause: 'temporarily_unavailable' }],
    ['<script>', { failure: 'refused', cause: 'unknown_error' }],
    ['some_made_up_code', { failure: 'refused', cause: 'unknown_error' }],
  ])('rule 137: with error=%s repeats only known codes', async (error, expected) => {
    expect(await clientWith().logIn({}, (query) => query.set('error', error))).toEqual(expected);
  });

  test('without a code, with two codes, or with a token in it is refused', async () => {
    expect(await clientWith().logIn({}, (query) => query.delete('code'))).toEqual(invalid(''));
    expect(await clientWith().logIn({}, (query) => query.append('code', 'c2'))).toEqual(invalid(''));
    expect(await clientWith().logIn({}, (query) => query.set('id_token', 'x'))).toEqual(invalid(''));
    expect(await clientWith().logIn({}, (query) => query.set('response', 'x.y.z'))).toEqual(invalid(''));
    expect(requests).not.toContain('POST /token');
  });
});

describe('a token response', () => {
  test.each<[object, string]>([
    [{ token_type: 'DPoP' }, 'token_type'],
    [{ token_type: 'mac' }, ''],
    [{ token_type: undefined }, ''],
    [{ access_token: undefined }, ''],
    [{ access_token: 'a b' }, 'access_token'],
    [{ access_token: 'a\r\nset-cookie: x' }, 'access_token'],
    [{ expires_in: undefined }, 'Set the option accessTokenSeconds'],
    [{ expires_in: 0 }, 'expires_in'],
    [{ expires_in: -1 }, ''],
    [{ expires_in: 'soon' }, ''],
    [{ refresh_token: 1 }, ''],
    [{ scope: ['a'] }, ''],
  ])('with %o is refused', async (response, cause) => {
    script.response = response as Record<string, unknown>;
    expect(await clientWith().logIn()).toEqual(invalid(cause));
  });

  test.each<[object, Partial<LoginResult>]>([
    [{ token_type: 'bEaReR' }, { accessToken: ACCESS_TOKEN }],
    [{ expires_in: '60' }, { accessTokenEndsAt: NOW + 60 }],
    [{ scope: 'orders:read  orders:write' }, { scopes: ['orders:read', 'orders:write'] }],
    [{ refresh_token: undefined }, { refreshToken: undefined }],
    [{ refresh_expires_in: 1800 }, { refreshTokenEndsAt: NOW + 1800 }],
    [{ refresh_expires_in: 0 }, { refreshTokenEndsAt: undefined }],
    [{ refresh_token_expires_in: '90' }, { refreshTokenEndsAt: NOW + 90 }],
  ])('with %o is taken', async (response, expected) => {
    script.response = response as Record<string, unknown>;
    expect(await clientWith().logIn()).toMatchObject(expected);
  });

  test('without expires_in takes the option accessTokenSeconds', async () => {
    script.response = { expires_in: undefined };
    expect(await clientWith({ accessTokenSeconds: 120 }).logIn()).toMatchObject({ accessTokenEndsAt: NOW + 120 });
  });

  test('session_expiry of the ID token is the end of the session', async () => {
    script.claims = { session_expiry: NOW + 900 };
    expect(await clientWith().logIn()).toMatchObject({ sessionEndsAt: NOW + 900 });
  });
});

describe('an issuer that does not work', () => {
  test.each<[string, () => Response | Promise<Response>, IssuerFailure['failure'], string]>([
    ['answers with status 500', () => new Response('oops', { status: 500 }), 'unavailable', 'status 500'],
    ['limits the rate', () => new Response('oops', { status: 429 }), 'unavailable', 'status 429'],
    ['redirects', () => new Response(null, { status: 307, headers: { location: 'https://evil.example/' } }), 'unavailable', 'Redirects are not followed'],
    ['answers with HTML', () => new Response('<p>', { headers: { 'content-type': 'text/html' } }), 'invalid', 'not JSON'],
    ['answers with an error of OAuth', () => Response.json({ error: 'invalid_grant' }, { status: 400 }), 'refused', 'invalid_grant'],
    ['says that it is busy', () => Response.json({ error: 'temporarily_unavailable' }, { status: 400 }), 'unavailable', 'temporarily_unavailable'],
    ['does not know the client', () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }), 'refused', 'invalid_client'],
    ['sends more than a megabyte', () => Response.json({ x: 'a'.repeat(1_100_000) }), 'unavailable', 'larger than'],
    ['breaks off', () => Promise.reject(new TypeError('fetch failed')), 'unavailable', 'fetch failed'],
    ['never answers', () => new Promise<Response>(() => {}), 'unavailable', 'no complete answer within 0.2 s'],
  ])('%s: no secret is in the cause', async (_name, answer, failure, cause) => {
    const { client } = clientWith({ timeoutSeconds: 0.1 });
    script.answer = { '/token': answer };
    const result = await client.refresh('the-refresh-token', { subject: 'alice', issuer: ISSUER, scopes: [] });
    expect(result).toEqual({ failure, cause: expect.stringContaining(cause) });
    expect(JSON.stringify(result)).not.toMatch(/the-refresh-token|secret/);
  });

  test('whose metadata names another issuer is not used', async () => {
    script.metadata = { issuer: 'https://evil.example' };
    expect(await clientWith().client.begin({ returnTo: '/' }, undefined)).toEqual({
      failure: 'unavailable',
      cause: expect.stringContaining('both must be exactly equal'),
    });
  });

  test.each([
    'http://login.example.com/token',
    'https://10.0.0.1/token',
    'https://localhost/token',
    'https://user:password@login.example.com/',
    'file:///etc/passwd',
    7,
  ])('whose metadata names the token endpoint %s gets no code', async (endpoint) => {
    script.metadata = { token_endpoint: endpoint };
    expect(isFailure(await clientWith().logIn())).toBe(true);
    expect(requests).not.toContain('POST /token');
  });

  test('whose metadata names a login page that is no https address sends nobody there', async () => {
    script.metadata = { authorization_endpoint: 'javascript:alert(1)' };
    expect(await clientWith().client.begin({ returnTo: '/' }, undefined)).toMatchObject({ failure: 'unavailable' });
  });

  test('gets at most 50 pushed requests of a process at a time, and a login whose turn does not come is refused: anybody can start logins', async () => {
    const held = holdPushes();
    const { client } = clientWith();
    const begin = () => client.begin({ returnTo: '/' }, undefined);
    const first = Array.from({ length: 50 }, begin);
    while (held.length < 50) await new Promise(setImmediate);
    const others = [begin(), begin()];
    // one for each call, and one for each login that waits
    while (vi.getTimerCount() < 52) await new Promise(setImmediate);
    expect(held).toHaveLength(50);
    // one more may go, and the other one waits for as long as for an answer
    held[0]!(Response.json({ request_uri: 'urn:example:1', expires_in: 60 }, { status: 201 }));
    expect(await first[0]).toMatchObject({ url: expect.stringContaining('request_uri=urn%3Aexample%3A1') as string });
    while (held.length < 51) await new Promise(setImmediate);
    vi.advanceTimersByTime(5000);
    expect(await others[1]).toEqual({ failure: 'busy', cause: 'too many logins are under way in this process at the moment' });
    expect(await first[1]).toMatchObject({ failure: 'unavailable', cause: expect.stringContaining('no complete answer within 5 s') as string });
    expect(held).toHaveLength(51);
  });

  test('gets at most 50 codes of a process at a time', async () => {
    const held: ((response: Response) => void)[] = [];
    script.answer = { '/token': () => new Promise((resolve) => held.push(resolve)) };
    const { begin, client } = clientWith();
    const { attempt } = await begin();
    const results = Array.from({ length: 51 }, () =>
      client.finish(new URL(`https://app.example.com/session/callback?code=c1&state=${attempt.state}`), attempt),
    );
    await expect.poll(() => held.length).toBe(50);
    // an error of the login page asks the issuer nothing, so it waits for nothing
    const refused = new URL(`https://app.example.com/session/callback?error=access_denied&state=${attempt.state}`);
    expect(await client.finish(refused, attempt)).toEqual({ failure: 'refused', cause: 'access_denied' });
    expect(held).toHaveLength(50);
    held[0]!(Response.json({ error: 'invalid_grant' }, { status: 400 }));
    await expect.poll(() => held.length).toBe(51);
    for (const answer of held) answer(Response.json({ error: 'invalid_grant' }, { status: 400 }));
    expect(await Promise.all(results)).toEqual(results.map(() => ({ failure: 'refused', cause: 'invalid_grant' })));
  });

  test.each(['error=&code=c1', 'error=&error=access_denied&code=c1', 'code=c1&error='])(
    'an empty error in a callback does not go past the limit of codes: %s',
    async (query) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      onTestFinished(() => void vi.useRealTimers());
      const held: unknown[] = [];
      script.answer = { '/token': () => new Promise(() => held.push(1)) };
      const { begin, client } = clientWith();
      const { attempt } = await begin();
      const finish = (parameters: string) => client.finish(new URL(`https://app.example.com/session/callback?${parameters}&state=${attempt.state}`), attempt);
      for (let calls = 0; calls < 50; calls++) void finish('code=c1');
      while (held.length < 50) await new Promise(setImmediate);
      void finish(query);
      while (vi.getTimerCount() < 51) await new Promise(setImmediate);
      expect(held).toHaveLength(50);
    },
  );

  test('logins that strangers start keep no user from ending a login', async () => {
    script.metadata = { pushed_authorization_request_endpoint: `${ISSUER}/par` };
    const { begin, client } = clientWith();
    script.answer = { '/par': () => Response.json({ request_uri: 'urn:example:1', expires_in: 60 }, { status: 201 }) };
    const { attempt } = await begin();
    const held: unknown[] = [];
    script.answer = { '/par': () => new Promise(() => held.push(1)) };
    for (let logins = 0; logins < 50; logins++) void client.begin({ returnTo: '/' }, undefined);
    await expect.poll(() => held.length).toBe(50);
    const callback = new URL(`https://app.example.com/session/callback?code=c1&state=${attempt.state}`);
    expect(await client.finish(callback, attempt)).toMatchObject({ subject: 'alice' });
  });

  test('is not asked for a client that has left while its login waited', async () => {
    const held = holdPushes();
    const { client } = clientWith();
    const controller = new AbortController();
    for (let logins = 0; logins < 50; logins++) void client.begin({ returnTo: '/' }, undefined);
    while (held.length < 50) await new Promise(setImmediate);
    const left = client.begin({ returnTo: '/' }, undefined, controller);
    while (vi.getTimerCount() < 51) await new Promise(setImmediate);
    controller.abort();
    held[0]!(new Response(null, { status: 400 }));
    expect(await left).toMatchObject({ failure: 'busy' });
    expect(held).toHaveLength(50);
  });

  test('rule 61: is asked again in the background, and its old metadata serves meanwhile', async () => {
    const pass = passingTime();
    const { begin } = clientWith({ clock: pass.clock });
    await begin();
    pass.minutes(11);
    script.answer = { '/.well-known/openid-configuration': () => new Response(null, { status: 503 }) };
    await begin();
    await begin();
    expect(requests.filter((request) => request.includes('well-known'))).toHaveLength(2);
    script.answer = {};
    script.metadata = { authorization_endpoint: `${ISSUER}/new` };
    await expect.poll(async () => (pass.minutes(1), (await begin()).url.pathname)).toBe('/new');
  });

  test('rule 61: nobody waits while old metadata is fetched again', async () => {
    const pass = passingTime();
    const { begin } = clientWith({ clock: pass.clock, timeoutSeconds: 60 });
    await begin();
    pass.minutes(11);
    script.answer = { '/.well-known/openid-configuration': () => new Promise<Response>(() => {}) };
    await begin();
    expect(requests.filter((request) => request.includes('well-known'))).toHaveLength(2);
  });

  test('rule 61: its metadata serves for a day after the last time that it could be fetched', async () => {
    const pass = passingTime();
    const { begin } = clientWith({ clock: pass.clock });
    await begin();
    script.answer = { '/.well-known/openid-configuration': () => new Response(null, { status: 503 }) };
    pass.minutes(24 * 60 - 1);
    await begin();
    pass.minutes(1);
    await expect(begin()).rejects.toThrow('status 503');
  });

  test.each([
    ['in the background', 11],
    ['after a quiet time', 21],
  ])('rule 131: whose metadata names another issuer meanwhile gets no refresh token any more: %s', async (_when, minutes) => {
    const pass = passingTime();
    const { client, begin } = clientWith({ clock: pass.clock });
    const refresh = () => client.refresh('r1', { subject: 'alice', issuer: ISSUER, scopes: [] });
    await begin();
    pass.minutes(minutes);
    script.metadata = { issuer: 'https://evil.example' };
    await client.begin({ returnTo: '/' }, undefined);
    const refused = { failure: 'unavailable', cause: expect.stringContaining('both must be exactly equal') };
    expect([await refresh(), await refresh()]).toEqual([refused, refused]);
    expect(requests).not.toContain('POST /token');
    script.metadata = {};
    pass.minutes(1);
    expect(await refresh()).toMatchObject({ accessToken: ACCESS_TOKEN });
  });

  test('rule 61: its old metadata serves if something else than metadata arrives', async () => {
    const pass = passingTime();
    const { begin } = clientWith({ clock: pass.clock });
    await begin();
    pass.minutes(21);
    script.answer = { '/.well-known/openid-configuration': () => Response.json({ status: 'maintenance' }) };
    await begin();
    await begin();
  });

  test('an endpoint that does not work makes its metadata be fetched again, and no caller waits', async () => {
    const pass = passingTime();
    const { client, begin } = clientWith({ clock: pass.clock, timeoutSeconds: 60 });
    await begin();
    pass.minutes(1);
    script.answer = { '/token': () => new Response(null, { status: 503 }), '/.well-known/openid-configuration': () => new Promise<Response>(() => {}) };
    const session = { subject: 'alice', issuer: ISSUER, scopes: [] };
    for (let calls = 0; calls < 3; calls++) expect(await client.refresh('r1', session)).toMatchObject({ failure: 'unavailable' });
    expect(requests.filter((request) => request.includes('well-known'))).toHaveLength(2);
  });
});

describe('a refresh', () => {
  const session = { subject: 'alice', issuer: ISSUER, scopes: ['orders:read'] };

  test('keeps the scopes without `scope`, and the old refresh token if there is no new one', async () => {
    script.idToken = undefined;
    script.response = { refresh_token: undefined };
    expect(await clientWith().client.refresh('r1', session)).toMatchObject({ scopes: ['orders:read'], refreshToken: undefined, accessTokenEndsAt: NOW + 300 });
  });

  test.each([{ sub: 'bob' }, { iss: 'https://evil.example' }])('rule 131: an ID token with %o ends the session', async (claims) => {
    script.claims = claims;
    expect(await clientWith().client.refresh('r1', session)).toMatchObject({ failure: 'other_user' });
  });

  test("rule 131: another issuer's refresh token is not sent", async () => {
    expect(await clientWith().client.refresh('r1', { ...session, issuer: 'https://other.example' })).toMatchObject({ failure: 'other_user' });
    expect(requests).toEqual([]);
  });
});

test('revokes nothing, and logs out nowhere, if the issuer cannot', async () => {
  script.metadata = { end_session_endpoint: undefined };
  const { client } = clientWith();
  expect(await client.revoke('r1')).toBeUndefined();
  expect(await client.logoutRequest('id', '/')).toBeUndefined();
});

test('rule 123: sends S256 also if the metadata does not list it, and a new verifier, state and nonce each time', async () => {
  const { begin } = clientWith({ audience: 'https://api.example.com' });
  const [first, second] = [await begin(), await begin({ isRetry: true })];
  const { searchParams } = first.url;
  expect(searchParams.get('code_challenge')).toBe(createHash('sha256').update(first.attempt.codeVerifier).digest('base64url'));
  expect([searchParams.get('code_challenge_method'), searchParams.get('audience')]).toEqual(['S256', 'https://api.example.com']);
  for (const name of ['state', 'nonce', 'codeVerifier'] as const) expect(second.attempt[name]).not.toBe(first.attempt[name]);
  expect([first.attempt.state.endsWith('.r'), second.attempt.state.endsWith('.r')]).toEqual([false, true]);
  expect(first.url.href).not.toContain(first.attempt.codeVerifier);
});
