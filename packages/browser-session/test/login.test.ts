import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createTestClock } from '@tokenward/testing';
import { exportJWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BrowserSessionOptions } from '../src/browser-session-options.js';
import { isFailure } from '../src/oidc/login-client.js';
import { createBrowser, type Browser } from './browser.ts';
import { listenForApp, type LoginApp } from './login-app.ts';
import { API, CLIENT_SECRET, signingKey, startProvider, type ProviderOptions, type RunningProvider } from './provider.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface World {
  readonly app: LoginApp;
  readonly provider: RunningProvider;
  readonly browser: Browser;
  readonly login: string;
}

async function world(options: Partial<BrowserSessionOptions> = {}, providerOptions: Partial<ProviderOptions> = {}): Promise<World> {
  const listening = await listenForApp();
  const provider = await startProvider({ appOrigin: listening.origin, ...providerOptions });
  const app = listening.start({
    issuer: provider.issuer,
    clientSecret: CLIENT_SECRET,
    scope: 'openid offline_access orders:read',
    resource: API,
    ...options,
  });
  closers.push(provider.close, app.close);
  return { app, provider, browser: createBrowser(), login: `${app.origin}/session/login` };
}

function cookieOf(browser: Browser, { origin }: LoginApp): string {
  return [...browser.cookies(origin)].map(([name, value]) => `${name}=${value}`).join('; ');
}

function loginCookies(browser: Browser, { origin }: LoginApp): string[] {
  return [...browser.cookies(origin).keys()].filter((name) => name.startsWith('__Host-login-'));
}

function sessionOf(browser: Browser, app: LoginApp) {
  return app.sessionOf(cookieOf(browser, app));
}

async function finish({ app, browser, login }: World, query = ''): Promise<Response> {
  return browser.visit(await browser.logInAt(`${login}${query}`, app.origin));
}

async function expectPage(response: Response, status: number, text: string): Promise<string> {
  const body = await response.text();
  expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
  expect(body).toContain(text);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(body).not.toContain('<script');
  return body;
}

describe('a whole login', () => {
  test('rule 123: asks for a code with PKCE S256, and for everything that the options say', async () => {
    const { app, browser, login, provider } = await world({ authorizationParameters: { ui_locales: 'de' } });
    const response = await browser.visit(`${login}?returnTo=/orders&acr_values=urn:example:strong&max_age=60&prompt=login`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([302, 'no-store']);
    const url = new URL(response.headers.get('location')!);
    expect(url.origin).toBe(provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'web-app',
      redirect_uri: `${app.origin}/session/callback`,
      scope: 'openid offline_access orders:read',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      resource: API,
      acr_values: 'urn:example:strong',
      max_age: '60',
      prompt: 'login',
      ui_locales: 'de',
    });
    expect(loginCookies(browser, app)).toHaveLength(1);
  });

  test('begins a session, and leads to the page by a landing page that a Strict cookie survives', async () => {
    const place = await world();
    const { app, browser } = place;
    const response = await finish(place, '?returnTo=/orders%3Fpage=2');
    await expectPage(response, 200, '<meta http-equiv="refresh" content="0;url=/orders?page=2">');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    const line = response.headers.getSetCookie().find((one) => one.startsWith('__Host-session='))!;
    expect(line).toMatch(/; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/);
    const session = (await sessionOf(browser, app))!;
    expect(session).toMatchObject({ version: 1, issuer: place.provider.issuer, subject: 'alice', scopes: ['orders:read'] });
    expect(session.refreshToken).toBeTypeOf('string');
    expect(session.issuerSessionId).toBeTypeOf('string');
    expect(session.accessTokenEndsAt - session.startedAt).toBeGreaterThan(290);
    expect(loginCookies(browser, app)).toEqual([]);
    expect(app.events).toEqual(['login done']);
    expect(app.warnings).toEqual([]);
    expect(await (await browser.visit(`${app.origin}/`)).text()).toBe('alice');
  });

  test('rule 128: the id changes at each login, and the former session is dead', async () => {
    const place = await world();
    const { app, browser } = place;
    await finish(place);
    const former = cookieOf(browser, app);
    const first = (await app.sessionOf(former))!;
    await finish(place, '?acr_values=urn:example:strong&prompt=login');
    const second = (await sessionOf(browser, app))!;
    expect(second.id).not.toBe(first.id);
    expect(second.subject).toBe('alice');
    expect(await app.sessionOf(former)).toBeUndefined();
    expect(app.events).toEqual(['login done', 'login done', 'end done replaced']);
  });

  test('refreshes, revokes and logs out at the issuer', async () => {
    const place = await world();
    await finish(place);
    const { app, browser, provider } = place;
    const session = (await sessionOf(browser, app))!;
    const refreshed = await app.client.refresh(session.refreshToken!, session);
    if (isFailure(refreshed)) throw new Error(refreshed.cause);
    expect(refreshed.scopes).toEqual(session.scopes);
    expect(refreshed.refreshToken).not.toBe(session.refreshToken);
    expect(await app.client.refresh(refreshed.refreshToken!, { ...session, subject: 'bob' })).toMatchObject({ failure: 'other_user' });
    expect(await app.client.refresh(refreshed.refreshToken!, { ...session, issuer: 'https://other.example' })).toMatchObject({ failure: 'other_user' });
    expect(await app.client.refresh(session.refreshToken!, session)).toEqual({ failure: 'refused', cause: 'invalid_grant' });
    expect(await app.client.revoke(refreshed.refreshToken!)).toBeUndefined();
    expect(await app.client.logoutRequest(session.idToken, '/')).toEqual({
      url: `${provider.issuer}/session/end`,
      parameters: { id_token_hint: session.idToken, client_id: 'web-app', post_logout_redirect_uri: `${app.origin}/` },
    });
  });
});

describe('attempts', () => {
  test.each([
    ['in the order in which they began', ['alice', 'bob']],
    ['in the other order', ['bob', 'alice']],
  ] as const)('rule 124, several tabs: two log in at once, and finish %s: each leads to its page, and the last session counts', async (_order, users) => {
    const { app, browser, login, provider } = await world();
    const callbacks = new Map<string, URL>();
    for (const user of ['alice', 'bob']) {
      callbacks.set(user, await browser.logInAt(`${login}?returnTo=/${user}`, app.origin, user));
      browser.cookies(provider.issuer).clear();
    }
    expect(loginCookies(browser, app)).toHaveLength(2);
    const cookies: string[] = [];
    for (const user of users) {
      await expectPage(await browser.visit(callbacks.get(user)!), 200, `url=/${user}"`);
      expect((await sessionOf(browser, app))?.subject).toBe(user);
      cookies.push(cookieOf(browser, app));
    }
    expect(loginCookies(browser, app)).toEqual([]);
    expect(await app.sessionOf(cookies[0]!)).toBeUndefined();
    expect(app.events).toEqual(['login done', 'login done', 'end done replaced']);
  });

  test('stale callback: the back button after a login leads to the app, since the session lives', async () => {
    const { app, browser, login } = await world();
    const callback = await browser.logInAt(login, app.origin);
    await browser.visit(callback);
    await expectPage(await browser.visit(callback), 200, 'url=/"');
    expect((await sessionOf(browser, app))?.subject).toBe('alice');
  });

  test('stale callback: one without an attempt starts a new login, and that one succeeds', async () => {
    const { app, browser } = await world();
    const response = await browser.visit(`${app.origin}/session/callback?code=x&state=y`);
    expect(response.status).toBe(302);
    const callback = await browser.logInAt(response.headers.get('location')!, app.origin);
    expect(callback.searchParams.get('state')).toMatch(/\.r$/);
    await expectPage(await browser.visit(callback), 200, 'url=/"');
    expect(app.events).toEqual(['login refused unknown_attempt', 'login done']);
  });

  test('SameSite loops: a browser that keeps no cookie gets one sentence instead of a loop', async () => {
    const { app, browser } = await world();
    const response = await browser.visit(`${app.origin}/session/callback`);
    const callback = await browser.logInAt(response.headers.get('location')!, app.origin);
    browser.cookies(app.origin).clear();
    await expectPage(await browser.visit(callback), 400, 'Your browser did not send back the cookie of this login.');
  });

  test("rule 124, login CSRF: another browser's callback logs nobody in", async () => {
    const { app, browser, login } = await world();
    const stolen = await createBrowser().logInAt(login, app.origin, 'mallory');
    await browser.visit(login);
    const response = await browser.visit(stolen);
    expect(response.status).toBe(302);
    expect(await sessionOf(browser, app)).toBeUndefined();
  });

  test('rule 123: a stolen code does not match the verifier of another attempt', async () => {
    const { app, browser, login } = await world();
    const stolen = await createBrowser().logInAt(login, app.origin, 'mallory');
    const own = await browser.logInAt(login, app.origin);
    own.searchParams.set('code', stolen.searchParams.get('code')!);
    await expectPage(await browser.visit(own), 400, 'The login server did not complete the login.');
    expect(await sessionOf(browser, app)).toBeUndefined();
    expect(loginCookies(browser, app)).toEqual([]);
    expect(app.events).toEqual(['login refused issuer_refused']);
  });

  test.each(['https://evil.example', ''])('rule 126: a callback from the issuer "%s" is refused, and the code goes nowhere', async (iss) => {
    const { app, browser, login, provider } = await world();
    const callback = await browser.logInAt(login, app.origin);
    expect(callback.searchParams.get('iss')).toBe(provider.issuer);
    if (iss === '') callback.searchParams.delete('iss');
    else callback.searchParams.set('iss', iss);
    await expectPage(await browser.visit(callback), 400, 'The answer of the login server was not valid');
    expect(provider.requests.filter((request) => request.startsWith('POST /token'))).toEqual([]);
    expect(app.warnings.join()).toContain('RFC 9207');
  });

  test('rule 124: refuses duplicated parameters', async () => {
    const { app, browser, login } = await world();
    const callback = await browser.logInAt(login, app.origin);
    callback.searchParams.append('code', 'another');
    await expectPage(await browser.visit(callback), 400, 'was not valid');
    expect(await sessionOf(browser, app)).toBeUndefined();
  });

  test('rule 137: an error with HTML in it shows a fixed sentence', async () => {
    const { app, browser, login, provider } = await world();
    const { searchParams } = new URL((await browser.visit(login)).headers.get('location')!);
    const html = '<script>alert(1)</script>';
    const query = new URLSearchParams({
      error: html,
      error_description: html,
      error_uri: 'javascript:alert(1)',
      state: searchParams.get('state')!,
      iss: provider.issuer,
    });
    const body = await expectPage(await browser.visit(`${app.origin}/session/callback?${query}`), 400, 'The login server did not complete the login.');
    expect(body).not.toMatch(/alert|javascript/);
    expect(app.warnings.join()).not.toContain('alert');
  });

  test('consent denied: shows a sentence and a link', async () => {
    const { app, browser, login } = await world();
    const { url } = await browser.follow(login);
    const answer = await browser.visit(`${url.href}/abort`, { method: 'POST' });
    const end = await browser.follow(answer.headers.get('location')!);
    const body = await expectPage(end.response!, 200, 'You did not agree, or you are not allowed to use this app.');
    expect(body).toContain('<a href="/session/login">');
    expect(app.events).toEqual(['login refused access_denied']);
  });
});

describe('requests of other sites', () => {
  test.each(['login', 'callback?code=x&state=y'])('rule 129: a link on another site to %s leads to a page, which starts nothing', async (route) => {
    const { app, browser } = await world();
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      const response = await browser.visit(`${app.origin}/session/${route}`, { headers });
      await expectPage(response, 200, 'Continue to log in');
      expect(response.headers.getSetCookie()).toEqual([]);
      // that site must not keep hold of the window in which the user goes on
      expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    }
  });

  test.each(['same-site', 'cross-site', 'none', 'same-origin'])(
    'rule 189: whether somebody is logged in changes no answer to a request that is %s',
    async (site) => {
      const place = await world();
      const { app, browser } = place;
      const answers = async (): Promise<unknown[]> => {
        const all: unknown[] = [];
        for (const route of ['login', 'login?retry=1', 'callback', 'callback?code=x&state=y', 'callback?code=x&state=y.r']) {
          for (const [mode, dest] of [
            ['navigate', 'document'],
            ['no-cors', 'empty'],
          ] as const) {
            const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest };
            const response = await browser.visit(`${app.origin}/session/${route}`, { headers });
            // the address of a new attempt is random
            const location = response.headers.get('location')?.split('?', 1)[0];
            all.push([route, dest, response.status, location, response.headers.getSetCookie().length, await response.text()]);
          }
        }
        return all;
      };
      const without = await answers();
      browser.cookies(app.origin).clear();
      await finish(place);
      const answersWith = await answers();
      if (site === 'same-site' || site === 'cross-site') expect(answersWith).toEqual(without);
      // the app's own navigations do know it
      else expect(answersWith).not.toEqual(without);
    },
  );

  test.each(['prefetch', 'prefetch;prerender'])('rule 129: a page cannot start a login by loading it ahead of a click: %s', async (purpose) => {
    const place = await world();
    const { app, browser } = place;
    await finish(place);
    const before = [cookieOf(browser, app), ...app.events];
    // Chromium says `none`, also if a page of a sibling domain has speculation rules
    const headers = { 'sec-purpose': purpose, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    for (const route of ['login', 'login?retry=1', 'callback', 'callback?code=x&state=y']) {
      const response = await browser.visit(`${app.origin}/session/${route}`, { headers });
      await expectPage(response, 403, 'cannot be loaded ahead of a click');
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect([cookieOf(browser, app), ...app.events]).toEqual(before);
  });

  test('stale callback: a user who is logged in and continues from the page gets back to the app, without another login', async () => {
    const place = await world();
    const { app, browser } = place;
    await finish(place);
    const headers = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const body = await expectPage(await browser.visit(`${app.origin}/session/callback?code=x&state=y`, { headers }), 200, 'Continue to log in');
    const [, href] = /href="([^"]+)"/.exec(body)!;
    const own = { ...headers, 'sec-fetch-site': 'same-origin' };
    await expectPage(await browser.visit(new URL(href!, app.origin), { headers: own }), 200, 'url=/"');
    expect(app.events).toEqual(['login done', 'login refused unknown_attempt']);
    // without the session the same link logs in
    browser.cookies(app.origin).clear();
    expect((await browser.visit(new URL(href!, app.origin), { headers: own })).status).toBe(302);
  });

  test.each(['image', 'iframe', 'empty', 'script'])('rule 129: another site cannot start a login by a request for: %s', async (dest) => {
    const { app, browser } = await world();
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': dest === 'iframe' ? 'navigate' : 'no-cors', 'sec-fetch-dest': dest };
    for (const route of ['login', 'callback?state=x']) expect((await browser.visit(`${app.origin}/session/${route}`, { headers })).status).toBe(403);
    expect(loginCookies(browser, app)).toEqual([]);
  });

  test.each(['POST', 'HEAD', 'PUT', 'DELETE'])('rule 129: %s starts no login', async (method) => {
    const { app, browser } = await world();
    for (const route of ['login', 'callback']) {
      const response = await browser.visit(`${app.origin}/session/${route}`, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
    }
  });

  test('rule 127, returnTo: sends nobody to another origin after the login', async () => {
    const place = await world();
    for (const returnTo of ['//evil.example', '/\\evil.example', '/%09/evil.example', 'https:evil.example', 'javascript:alert(1)', '/\r\nset-cookie: a=b'])
      await expectPage(await finish(place, `?returnTo=${encodeURIComponent(returnTo)}`), 200, 'url=/"');
  });

  test('rule 103: accepts as much as the challenge of a guard names', async () => {
    const { browser, login } = await world();
    const wanted = { acr_values: `${'a'.repeat(250)} ${'b'.repeat(249)}`, max_age: '999999999' };
    const response = await browser.visit(`${login}?${new URLSearchParams(wanted)}`);
    expect(Object.fromEntries(new URL(response.headers.get('location')!).searchParams)).toMatchObject(wanted);
  });

  test.each(['max_age=-1', 'max_age=1&maxAge=2', 'max_age=soon', 'prompt=evil', 'max_age=1000000000', 'acr_values=a%0ab', `acr_values=${'a'.repeat(501)}`])(
    'refuses a login with %s',
    async (query) => {
      const { browser, login } = await world();
      await expectPage(await browser.visit(`${login}?${query}`), 400, 'makes no sense');
    },
  );
});

describe('kinds of client', () => {
  test.each(['on', 'required'] as const)('pushes the request if the issuer has PAR (%s)', async (pushedRequests) => {
    const place = await world({}, { pushedRequests });
    const response = await place.browser.visit(place.login);
    const url = new URL(response.headers.get('location')!);
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    await expectPage(await finish(place), 200, 'url=/"');
    expect(place.provider.requests).toContain('POST /request');
  });

  test.each(['client_secret_basic', 'client_secret_post', 'none'] as const)('authenticates by %s', async (method) => {
    const place = await world(
      { clientAuthentication: method, clientSecret: method === 'none' ? undefined : CLIENT_SECRET },
      { client: { token_endpoint_auth_method: method, ...(method === 'none' && { client_secret: undefined }) } },
    );
    await expectPage(await finish(place), 200, 'url=/"');
  });

  test.each([
    ['ES256', 'ec', { namedCurve: 'P-256' }],
    ['PS256', 'rsa', { modulusLength: 2048 }],
    ['EdDSA', 'ed25519', {}],
  ] as const)('authenticates by private_key_jwt with %s', async (algorithm, type, parameters) => {
    const { privateKey, publicKey } = generateKeyPairSync(type as 'ec', parameters as { namedCurve: string });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig' };
    const key = { key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, kid: 'k1', algorithm };
    const client = {
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret: undefined,
      jwks: { keys: [jwk] },
      token_endpoint_auth_signing_alg: algorithm,
    } as never;
    const place = await world({ clientSecret: undefined, privateKey: key }, { client, pushedRequests: 'on' });
    await expectPage(await finish(place), 200, 'url=/"');
  });

  test('authenticates by a client certificate (tls_client_auth)', async () => {
    const pem = (name: string): string => readFileSync(new URL(`../../core/test/self-signed/${name}.pem`, import.meta.url), 'utf8');
    const [cert, key] = [pem('cert'), pem('key')];
    const client = { token_endpoint_auth_method: 'tls_client_auth', client_secret: undefined, tls_client_auth_subject_dn: 'CN=localhost' } as const;
    const place = await world({ clientSecret: undefined, tls: { cert, key, ca: cert } }, { client, tls: { cert, key, ca: cert } });
    const browser = createBrowser(cert);
    await expectPage(await browser.visit(await browser.logInAt(place.login, place.app.origin)), 200, 'url=/"');
  });

  test('a wrong secret is told to the operator, not to the user', async () => {
    const place = await world({ clientSecret: 'wrong' });
    const body = await expectPage(await finish(place), 400, 'The login server did not complete the login.');
    expect(body).not.toContain('invalid_client');
    expect(place.app.warnings).toEqual([expect.stringMatching(/failed: invalid_client\. .*Compare clientId .* client_secret_basic$/)]);
  });

  test('a redirect address that is not registered is told to the operator, if the request is pushed', async () => {
    const { app, browser, login } = await world({ path: '/account' }, { pushedRequests: 'on' });
    await expectPage(await browser.visit(login.replace('/session', '/account')), 400, 'The login server did not complete the login.');
    expect(app.warnings).toEqual([
      expect.stringContaining(`failed: invalid_request. Often the redirect address is not registered: register ${app.origin}/account/callback,`),
    ]);
  });

  test('no refresh token: warns that each session ends with its access token', async () => {
    const place = await world({ scope: 'openid orders:read' }, { client: { grant_types: ['authorization_code'] } });
    await expectPage(await finish(place), 200, 'url=/"');
    expect(place.app.warnings).toEqual([
      expect.stringContaining(
        'issued no refresh token, so each session ends with its first access token. Add offline_access to the option scope. If the issuer demands consent',
      ),
    ]);
  });

  test('tokens that fit into no cookie: neither the event nor the page blames a store, and the operator reads what to do', async () => {
    const place = await world({}, { configuration: { extraTokenClaims: () => ({ groups: 'x'.repeat(12_000) }) } });
    const response = await finish(place);
    await expectPage(response, 500, 'Your login could not be kept, and another attempt would not help.');
    expect(response.headers.get('retry-after')).toBeNull();
    expect(place.app.events).toEqual(['login failed tokens_too_large']);
    expect(place.app.warnings).toEqual([expect.stringMatching(/the tokens do not fit into cookies .* Set store, such as redisSessions\(\)/)]);
  });

  test('asks for several APIs', async () => {
    const other = 'https://stock.example.com';
    const place = await world({ resource: [API, other] }, { resources: { [API]: 'orders:read', [other]: 'stock:read' } });
    const url = new URL((await place.browser.visit(place.login)).headers.get('location')!);
    expect(url.searchParams.getAll('resource')).toEqual([API, other]);
  });

  test('a shared secret cannot sign an ID token: the message says what to change', async () => {
    const place = await world({}, { client: { id_token_signed_response_alg: 'HS256' } });
    await expectPage(await finish(place), 400, 'was not valid');
    expect(place.app.warnings).toEqual([expect.stringContaining('HS256')]);
  });
});

describe('an issuer that changes', () => {
  let place: World;
  beforeEach(async () => {
    place = await world();
  });

  test('answers 503 with one sentence while it is down at the start, and works later', async () => {
    const { app, browser, login, provider } = place;
    const { port } = new URL(provider.issuer);
    await provider.close();
    const response = await browser.visit(login);
    await expectPage(response, 503, 'The login server cannot be reached at the moment. Try again in a minute.');
    expect(response.headers.get('retry-after')).toBe('5');
    expect(app.events).toEqual(['login failed issuer_unavailable']);
    const again = await startProvider({ appOrigin: app.origin, port: Number(port) });
    closers[0] = again.close;
    // an address that failed is not tried again at once
    await vi.waitFor(async () => expectPage(await finish(place), 200, 'url=/"'), { interval: 200, timeout: 10_000 });
  });

  test('is asked for too much by this process: the page says so, and a reload ends the login', async () => {
    const { app, browser, login } = place;
    const busy = { failure: 'busy', cause: 'too many logins are under way in this process at the moment' } as const;
    vi.spyOn(app.client, 'begin').mockResolvedValueOnce(busy);
    const started = await browser.visit(login);
    await expectPage(started, 503, 'Too many people are logging in at the moment. Reload this page in a few seconds.');
    expect(started.headers.get('retry-after')).toBe('5');
    const callback = await browser.logInAt(login, app.origin);
    vi.spyOn(app.client, 'finish').mockResolvedValueOnce(busy);
    await expectPage(await browser.visit(callback), 503, 'Too many people are logging in at the moment.');
    expect(loginCookies(browser, app)).toHaveLength(1);
    await expectPage(await browser.visit(callback), 200, 'url=/"');
    expect(loginCookies(browser, app)).toHaveLength(0);
    expect(app.events).toEqual(['login failed too_many_logins', 'login failed too_many_logins', 'login done']);
    expect(app.warnings).toEqual([expect.stringMatching(/failed: too many logins .* at the moment\. .* limit how many one address may start$/)]);
  });

  test('rule 61: the first login after a quiet night is sent to the address of today', async () => {
    const clock = createTestClock();
    const { browser, login, provider } = await world({ clock });
    await browser.visit(login);
    const metadata = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as object;
    provider.intercept = (request, response) => {
      if (request.url !== '/.well-known/openid-configuration') return false;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ...metadata, authorization_endpoint: `${provider.issuer}/moved` }));
      return true;
    };
    clock.advance(15 * 3600);
    expect(new URL((await browser.visit(login)).headers.get('location')!).pathname).toBe('/moved');
  });

  test('finds its new keys without a restart', async () => {
    const { app, provider } = place;
    await finish(place);
    const { port } = new URL(provider.issuer);
    await provider.close();
    const again = await startProvider({ appOrigin: app.origin, port: Number(port), keys: [await signingKey()] });
    closers[0] = again.close;
    const browser = createBrowser();
    await expectPage(await browser.visit(await browser.logInAt(place.login, app.origin)), 200, 'url=/"');
  });
});
