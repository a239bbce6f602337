import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { createBrowser, type Browser } from '../../full-flow/agent/browser.ts';
import { ADA, ALICE, credentialsOf, SECOND_FACTOR } from '../../full-flow/cast.ts';
import { checkCalls } from './calls.ts';
import { ALL_SCOPES, HEADER, logIn, pageOf, type System } from './system.ts';
import type { Tally } from './tally.ts';

interface Token {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly scopes: readonly string[];
}

/** Goes through the routes of the app. */
export async function checkRoutes(system: System, tally: Tally): Promise<void> {
  const { mode, redisUrl, settings, authorizationServer } = system;
  const { origin } = settings;
  const check = (name: string, run: () => Promise<void>) => tally.check(`${mode}, sessions in ${redisUrl === undefined ? 'cookies' : 'Redis'}: ${name}`, run);
  const user = async (browser: Browser) => (await (await browser.call(`${origin}/session/user`, { headers: HEADER })).json()) as unknown;
  const orders = async (browser: Browser) => (await browser.call(`${origin}/api/orders`, { headers: HEADER })).status;
  const post = (browser: Browser, route: string, headers: Record<string, string> = HEADER) =>
    browser.call(`${origin}/session/${route}`, { method: 'POST', headers });

  await check('GET / is the page, with all that it loads', async () => {
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/page.js', 'text/javascript'],
      ['/page.css', 'text/css'],
      ['/tokenward/client.js', 'text/javascript'],
    ] as const) {
      const response = await fetch(origin + path);
      deepStrictEqual([response.status, response.headers.get('content-type')?.split(';')[0]], [200, type]);
      match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    }
    for (const path of ['/tokenward/client/..%2findex.js', '/tokenward/client/nothing.js', '/app.ts', '/operator/panel.js', '/operator/state'])
      strictEqual((await fetch(origin + path)).status, 404, path);
  });

  await check('GET /session/login sends the browser to the authorization server with PKCE', async () => {
    const response = await fetch(`${origin}/session/login?returnTo=/orders`, { redirect: 'manual' });
    strictEqual(response.status, 302);
    match(response.headers.getSetCookie().join('\n'), /^__Host-login-[^;]+;.*HttpOnly/);
    strictEqual(new URL(response.headers.get('location')!).origin, authorizationServer.issuer);
  });

  await check('GET /session/user says null without a session, and needs the custom header', async () => {
    deepStrictEqual(await user(createBrowser(fetch)), { user: null });
    strictEqual((await fetch(`${origin}/session/user`)).status, 403);
  });

  // for the checks that end no session
  const alice = await logIn(system, ALICE);
  const ada = await logIn(system, ADA);

  await check('the login leads to a session that GET /session/user describes', async () => {
    const { user: found } = (await user(alice)) as { user: { subject: string; scopes: string[]; expiresAt: number } };
    deepStrictEqual(Object.keys(found).sort(), ['expiresAt', 'scopes', 'subject']);
    deepStrictEqual([found.subject, found.scopes], ['alice', ALL_SCOPES]);
    const seconds = found.expiresAt - Date.now() / 1000;
    strictEqual(seconds > 60 && seconds <= 121, true, `the token ends in ${seconds} s`);
  });

  await check('refusing consent ends at a sentence, without a session', async () => {
    const browser = createBrowser(fetch);
    const consentPage = pageOf(await browser.submit(pageOf(await browser.open(`${origin}/session/login`)), credentialsOf(ALICE)));
    const page = pageOf(await browser.submit(consentPage, { decision: 'refuse' }));
    deepStrictEqual([page.status, page.title, page.url.origin], [200, 'You are not logged in', origin]);
    deepStrictEqual(await user(browser), { user: null });
  });

  await checkCalls({ origin, alice, ada, reader: await logIn(system, ALICE, ['orders:read']) }, check);

  await check('POST /session/token gives the access token in the mediating mode alone', async () => {
    const response = await post(alice, 'token');
    if (mode === 'bff') return strictEqual(response.status, 404);
    deepStrictEqual([response.status, response.headers.get('cache-control')], [200, 'no-store']);
    const token = (await response.json()) as Token;
    deepStrictEqual(Object.keys(token).sort(), ['accessToken', 'expiresAt', 'scopes']);
    deepStrictEqual(token.scopes, ALL_SCOPES);
    strictEqual((await fetch(`${origin}/api/orders`, { headers: { authorization: `Bearer ${token.accessToken}` } })).status, 200, 'a Bearer token');
    strictEqual((await post(alice, 'token', {})).status, 403, 'without the custom header');
    strictEqual((await alice.call(`${origin}/session/token`, { headers: HEADER })).status, 405, 'GET');
    strictEqual((await post(createBrowser(fetch), 'token')).status, 401, 'without a session');
  });

  await check('POST /session/logout ends the session and every copy of its cookie', async () => {
    const browser = await logIn(system, ALICE);
    const copy = browser.copy();
    strictEqual((await post(browser, 'logout', {})).status, 403, 'without the custom header');
    strictEqual(await orders(browser), 200);
    const response = await post(browser, 'logout');
    const { location } = (await response.json()) as { location: string };
    const url = new URL(location);
    deepStrictEqual([url.origin, url.searchParams.get('post_logout_redirect_uri')], [authorizationServer.issuer, `${origin}/`]);
    deepStrictEqual([await orders(browser), await orders(copy), await user(copy)], [401, 401, { user: null }]);
    deepStrictEqual(await (await post(browser, 'logout')).json(), { location: null });
    const back = pageOf(await browser.submit(pageOf(await browser.open(location)), { logout: 'yes' }));
    strictEqual(back.url.href, `${origin}/`);
  });

  await check('POST /session/backchannel-logout takes logout tokens, and nothing else', async () => {
    const wrong = await fetch(`${origin}/session/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: 'a.b.c' }) });
    strictEqual(wrong.status, 400);
    const browser = await logIn(system, ALICE);
    await browser.submit(pageOf(await browser.open(`${authorizationServer.issuer}/session/end`)), { logout: 'yes' });
    deepStrictEqual([await orders(browser), await user(browser)], [401, { user: null }]);
    deepStrictEqual([await orders(alice), await orders(ada)], [200, 200], 'other sessions');
  });

  await check('the step-up of README.md: the login asks for a second factor, and the payout succeeds', async () => {
    const payOut = () => alice.call(`${origin}/api/payout`, { method: 'PUT', headers: { ...HEADER, 'content-type': 'application/json' }, body: '{}' });
    const refusal = await payOut();
    deepStrictEqual([refusal.status, /acr_values="urn:example:mfa", max_age="300"/.test(refusal.headers.get('www-authenticate')!)], [401, true]);
    const page = pageOf(await alice.open(`${origin}/session/login?acr_values=${SECOND_FACTOR}&max_age=300`));
    const wrong = pageOf(await alice.submit(page, { code: '0000000' }));
    strictEqual(wrong.status, 422);
    await alice.submit(wrong, { code: /\b\d{6}\b/.exec(wrong.text)![0] });
    strictEqual((await payOut()).status, 200);
  });

  await check('a restart and a new secret in front keep people logged in; without the old secret they are not', async () => {
    const fresh = 'a-new-secret-of-more-than-32-characters-for-a-check';
    await system.restart({ sessionSecret: `${fresh},${settings.sessionSecret}` });
    deepStrictEqual([await orders(alice), await orders(ada)], [200, 200]);
    await system.restart({ sessionSecret: fresh });
    deepStrictEqual([await orders(alice), await orders(ada)], [401, 401]);
    await system.restart();
  });
}
