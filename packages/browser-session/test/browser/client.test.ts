import { gzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as tokenward from '@tokenward/browser-session/client';
import { useChromium } from './chromium.ts';
import { bundledClient, json, startPageServer, type PageServer } from './page-server.ts';

declare global {
  interface Window {
    tokenward: typeof tokenward;
    ready: boolean;
    session: tokenward.Session;
    ends: string[];
  }
}

const browser = useChromium();
let context: BrowserContext;
let server: PageServer;

beforeEach(async () => {
  server = await startPageServer();
  context = await browser.newContext();
});
afterEach(async () => {
  await context.close();
  await server.close();
});

const USER = { subject: 'alice', scopes: ['openid', 'orders:read'], expiresAt: 4_000_000_000 };

async function open(options: tokenward.SessionOptions = {}, path = '/'): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.origin + path);
  await page.waitForFunction(() => window.ready);
  await page.evaluate((given) => {
    window.session = window.tokenward.createSession(given);
    window.ends = [];
    window.session.onEnd((reason) => window.ends.push(reason));
  }, options);
  return page;
}

/** Answers `/session/token` with token-1, token-2 and so on, each of which lives for some seconds. */
function giveTokens(lifetimeSeconds: number, nowMs: () => number = Date.now): { count: number } {
  const given = { count: 0 };
  server.on('POST /session/token', (_request, response) => {
    given.count++;
    const expiresAt = Math.floor(nowMs() / 1000) + lifetimeSeconds;
    json(response, { accessToken: `token-${given.count}`, expiresAt, scopes: [] }, 200, { date: new Date(nowMs()).toUTCString() });
  });
  return given;
}

test('the page part is smaller than 3 kB and has no dependency', async () => {
  const text = await bundledClient();
  expect(gzipSync(text, { level: 9 }).length).toBeLessThan(3000);
  expect(text).not.toMatch(/\bimport\b/);
});

test('current() returns the user, and null if nobody is logged in', async () => {
  let user: unknown = null;
  server.on('GET /session/user', (_request, response) => json(response, { user }));
  const page = await open();
  expect(await page.evaluate(() => window.session.current())).toBeNull();
  user = USER;
  expect(await page.evaluate(() => window.session.current())).toEqual(USER);
  expect(server.seen.map(({ headers }) => headers['x-tokenward-csrf'])).toEqual(['1', '1']);
});

test('a server without the routes: the error says what the server must have', async () => {
  // a development server answers every path with its page
  server.on('GET /session/user', (_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  server.on('POST /session/token', (_request, response) => json(response, {}, 404));
  const page = await open({ mode: 'token-mediating' });
  const remedy = 'The server of this page must have session.routes() there, with the path and the mode of createSession(), or pass the call on';
  const messages = await page.evaluate(async () => {
    const message = ({ message: text }: Error): string => text;
    return [await window.session.current().catch(message), await window.session.fetch('/page').catch(message)];
  });
  expect(messages).toEqual([
    `/session/user: the server answered with status 200, without JSON. ${remedy}`,
    `/session/token: the server answered with status 404. ${remedy}`,
  ]);
});

test('login() leaves the page with the address to come back to and what a step-up needs', async () => {
  const page = await open({}, '/page?tab=2');
  const gone = page.waitForURL(/\/session\/login/);
  server.on('GET /session/login', (_request, response) => response.end('login'));
  await page.evaluate(() => void window.session.login({ acrValues: 'urn:mfa', maxAge: 300, organization: 'org_1', parameters: { ui_locales: 'de' } }));
  await gone;
  const query = new URL(page.url()).searchParams;
  expect(Object.fromEntries(query)).toEqual({
    returnTo: '/page?tab=2',
    acr_values: 'urn:mfa',
    max_age: '300',
    organization: 'org_1',
    ui_locales: 'de',
  });
});

test('fetch() sends the custom header to the own origin, and nothing to others', async () => {
  const other = await startPageServer();
  const cors = { 'access-control-allow-origin': server.origin, 'access-control-allow-headers': 'authorization' };
  other.on('GET /api', (_request, response) => json(response, {}, 200, cors));
  server.on('GET /api/orders', (_request, response) => json(response, ['tea']));
  giveTokens(600);
  const page = await open({ mode: 'token-mediating' });
  const api = `${other.origin}/api`;
  expect(await page.evaluate(async () => (await window.session.fetch('/api/orders')).json() as Promise<unknown>)).toEqual(['tea']);
  await page.evaluate(async (url) => window.session.fetch(url), api);
  const own = server.seen.find(({ path }) => path === '/api/orders')!;
  expect(own.headers).toMatchObject({ 'x-tokenward-csrf': '1', authorization: 'Bearer token-1' });
  expect(other.seen.map(({ headers }) => [headers.authorization, headers['x-tokenward-csrf']])).toEqual([[undefined, undefined]]);
  await other.close();
});

test('token-mediating: an API of another origin that was named gets the token, and not the custom header', async () => {
  const other = await startPageServer();
  const cors = { 'access-control-allow-origin': server.origin, 'access-control-allow-headers': 'authorization' };
  other.on('OPTIONS /api', (_request, response) => json(response, {}, 200, cors));
  other.on('GET /api', (_request, response) => json(response, {}, 200, cors));
  giveTokens(600);
  const page = await open({ mode: 'token-mediating', apiOrigins: [other.origin] });
  await page.evaluate(async (url) => window.session.fetch(url), `${other.origin}/api`);
  const call = other.seen.find(({ method }) => method === 'GET');
  expect(call!.headers.authorization).toBe('Bearer token-1');
  expect(call!.headers).not.toHaveProperty('x-tokenward-csrf');
  await other.close();
});

test('token-mediating: the token is nowhere but in memory, and a page that loads again asks for one', async () => {
  const given = giveTokens(600);
  server.on('GET /api', (_request, response) => json(response, {}));
  const page = await open({ mode: 'token-mediating' });
  await page.evaluate(async () => window.session.fetch('/api'));
  const stored = await page.evaluate(async () =>
    JSON.stringify([
      { ...localStorage },
      { ...sessionStorage },
      document.cookie,
      document.documentElement.outerHTML,
      await caches.keys(),
      await indexedDB.databases(),
      window.session,
    ]),
  );
  expect(stored).not.toContain('token-1');
  await page.close();
  const again = await open({ mode: 'token-mediating' });
  await again.evaluate(async () => window.session.fetch('/api'));
  expect(given.count).toBe(2);
});

test('refresh races: fifty parallel calls with an ended token ask for one new token', async () => {
  const given = giveTokens(20);
  const authorizations = new Set<string | undefined>();
  server.on('GET /api', ({ headers }, response) => {
    authorizations.add(headers.authorization);
    json(response, {});
  });
  const page = await open({ mode: 'token-mediating' });
  await page.evaluate(async () => window.session.fetch('/api'));
  const calls = await page.evaluate(async () => (await Promise.all(Array.from({ length: 50 }, () => window.session.fetch('/api')))).every(({ ok }) => ok));
  expect(calls).toBe(true);
  expect(given.count).toBe(2);
  expect([...authorizations]).toEqual(['Bearer token-1', 'Bearer token-2']);
});

test('several tabs: a tab that needs a token waits while another one asks for it', async () => {
  let answer: (() => void) | undefined;
  server.on('POST /session/token', (_request, response) => {
    answer = () => json(response, { accessToken: 'token', expiresAt: Math.floor(Date.now() / 1000) + 600, scopes: [] });
  });
  server.on('GET /api', (_request, response) => json(response, {}));
  const pages = [await open({ mode: 'token-mediating' }), await open({ mode: 'token-mediating' })];
  const calls = pages.map((page) => page.evaluate(async () => window.session.fetch('/api')));
  await pages[0]!.waitForFunction(async () => (await navigator.locks.query()).pending!.length === 1);
  await vi.waitFor(() => expect(server.seen.filter(({ path }) => path === '/session/token')).toHaveLength(1));
  answer!();
  await pages[0]!.waitForFunction(async () => (await navigator.locks.query()).pending!.length === 0);
  await vi.waitFor(() => expect(server.seen.filter(({ path }) => path === '/session/token')).toHaveLength(2));
  answer!();
  await Promise.all(calls);
});

test('several tabs: a tab that stands still while it asks for a token does not keep the others waiting for ever', async () => {
  giveTokens(600);
  server.on('GET /api', (_request, response) => json(response, {}));
  // the time limits of the page part are 20 times shorter
  await context.addInitScript(() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (milliseconds) => timeout(milliseconds / 20);
  });
  const stuck = await open({ mode: 'token-mediating' });
  await stuck.evaluate(async () => {
    await new Promise<void>((resolve) => {
      void navigator.locks.request('tokenward /session', () => {
        resolve();
        return new Promise(() => {});
      });
    });
  });
  const page = await open({ mode: 'token-mediating' });
  expect(await page.evaluate(async () => (await window.session.fetch('/api')).status)).toBe(200);
});

test('a token that an API refuses is renewed once, and the call is sent once more with its body', async () => {
  const given = giveTokens(600);
  const bodies: string[] = [];
  server.on('POST /api', ({ headers, body }, response) => {
    bodies.push(body);
    if (headers.authorization === 'Bearer token-2') json(response, { ok: true }, 201);
    else json(response, { error: 'invalid_token' }, 401, { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' });
  });
  const page = await open({ mode: 'token-mediating' });
  const status = await page.evaluate(async () => (await window.session.fetch('/api', { method: 'POST', body: 'an order' })).status);
  expect(status).toBe(201);
  expect(bodies).toEqual(['an order', 'an order']);
  expect(given.count).toBe(2);
});

test('an API that goes on refusing is asked twice, not for ever', async () => {
  giveTokens(600);
  server.on('GET /api', (_request, response) => json(response, {}, 401, { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' }));
  const page = await open({ mode: 'token-mediating' });
  expect(await page.evaluate(async () => (await window.session.fetch('/api')).status)).toBe(401);
  expect(server.seen.filter(({ path }) => path === '/api')).toHaveLength(2);
});

test('a clock of the page that is wrong by five minutes changes nothing', async () => {
  // the server's clock is five minutes ahead of the page's, then five minutes behind
  for (const offset of [300_000, -300_000]) {
    const given = giveTokens(120, () => Date.now() + offset);
    server.on('GET /api', (_request, response) => json(response, {}));
    const page = await open({ mode: 'token-mediating' });
    await page.evaluate(async () => {
      await window.session.fetch('/api');
      await window.session.fetch('/api');
    });
    expect(given.count).toBe(1);
    await page.close();
  }
});

test('needOf() tells a missing scope, a step-up, a missing login and other refusals apart', async () => {
  const page = await open();
  const needs = await page.evaluate(async () => {
    const problem = { 'content-type': 'application/problem+json' };
    const responses = [
      new Response('', { status: 403, headers: { 'www-authenticate': 'Bearer realm="a", error="insufficient_scope", scope="orders:read orders:write"' } }),
      new Response('', {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="a", error="insufficient_user_authentication", acr_values="urn:mfa", max_age="300"' },
      }),
      new Response(JSON.stringify({ error: 'insufficient_scope', scope: 'a b' }), { status: 403, headers: problem }),
      new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer realm="a"' } }),
      new Response(JSON.stringify({ error: 'cross_site_request' }), { status: 403, headers: problem }),
      new Response('no json', { status: 403, headers: problem }),
      new Response('', { status: 200 }),
      new Response('', { status: 404 }),
    ];
    return Promise.all(responses.map((response) => window.session.needOf(response)));
  });
  expect(needs).toEqual([
    { kind: 'permission', scopes: ['orders:read', 'orders:write'] },
    { kind: 'step-up', acrValues: 'urn:mfa', maxAge: 300 },
    { kind: 'permission', scopes: ['a', 'b'] },
    { kind: 'login' },
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('logout() in one tab ends both tabs, and leaves for the issuer', async () => {
  server.on('GET /session/user', (_request, response) => json(response, { user: USER }));
  server.on('POST /session/logout', (_request, response) => json(response, { location: `${server.origin}/page-of-issuer` }));
  const [one, other] = [await open(), await open()];
  await Promise.all([one, other].map((page) => page.evaluate(() => window.session.current())));
  await one.evaluate(() => void window.session.logout());
  await one.waitForURL(/page-of-issuer/);
  await other.waitForFunction(() => window.ends.length > 0);
  expect(await other.evaluate(() => window.ends)).toEqual(['logout']);
});

test('logout undone by a request in flight: a token that arrives after the logout is dropped', async () => {
  let answer: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => {
    server.on('POST /session/token', (_request, response) => {
      answer = () => json(response, { accessToken: 'late', expiresAt: 4_000_000_000, scopes: [] });
      resolve();
    });
  });
  server.on('GET /api', ({ headers }, response) => json(response, { authorization: headers.authorization ?? null }));
  server.on('POST /session/logout', (_request, response) => json(response, { location: '/page-after' }));
  const [page, other] = [await open({ mode: 'token-mediating' }), await open({ mode: 'token-mediating' })];
  const call = page.evaluate(async () => (await window.session.fetch('/api')).json() as Promise<unknown>);
  await arrived;
  await other.evaluate(() => void window.session.logout());
  await page.waitForFunction(() => window.ends.length > 0);
  answer!();
  expect(await call).toEqual({ authorization: null });
});

test('a refused call tells the listeners that the session has ended, once', async () => {
  let user: unknown = USER;
  server.on('GET /session/user', (_request, response) => json(response, { user }));
  server.on('GET /api', (_request, response) => json(response, {}, 401, { 'www-authenticate': 'Bearer realm="api"' }));
  const page = await open();
  await page.evaluate(() => window.session.current());
  user = null;
  await page.evaluate(async () => {
    await window.session.fetch('/api');
    await window.session.fetch('/api');
  });
  expect(await page.evaluate(() => window.ends)).toEqual(['expired']);
});

test('the back button after a logout: a page that is shown again learns that the session has ended', async () => {
  let user: unknown = USER;
  server.on('GET /session/user', (_request, response) => json(response, { user }));
  const page = await open();
  await page.evaluate(() => window.session.current());
  user = null;
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await page.waitForFunction(() => window.ends.length > 0);
  expect(await page.evaluate(() => window.ends)).toEqual(['expired']);
});
