import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { createTestClock, type TestClock } from '@tokenward/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket as WebSocketClient, WebSocketServer } from 'ws';
import { freePort } from '../../../testing/test/free-port.js';
import { startNginx } from '../../../testing/test/nginx.js';
import { createBrowser } from '../browser.ts';
import { express5App } from '../frameworks/express.ts';
import { guideConfiguration } from '../nginx-configuration.ts';
import { API, startProvider, type ProviderOptions, type RunningProvider } from '../provider.ts';
import { startUpstream, type Upstream } from '../upstream.ts';
import { useChromium } from './chromium.ts';
import { passLoginPage } from './people.ts';

const CA = readFileSync(new URL('../../../core/test/self-signed/cert.pem', import.meta.url), 'utf8');
const HEADERS = { 'x-tokenward-csrf': '1' };
/** The lines of the guide that make room for the cookie, and those that let WebSockets through. */
const ROOM = /^ *(?:large_client_header_buffers|proxy_buffer_size|proxy_buffers) .*\n/gm;
const UPGRADES = /^ *proxy_set_header .*\n/gm;

const chromium = useChromium();

interface App {
  /** As browsers see it. */
  readonly origin: string;
  readonly http: string;
  readonly provider: RunningProvider;
  readonly upstream: Upstream;
  readonly clock: TestClock;
  /** Headers of the requests that reached the app. */
  readonly seen: IncomingMessage['headers'][];
  readonly warnings: string[];
}

/** An Express app behind nginx, with the configuration of the guide. */
async function startApp(change: (configuration: string) => string = (same) => same, provider: Partial<ProviderOptions> = {}): Promise<App> {
  const [https, http] = [await freePort(), await freePort()];
  const origin = `https://localhost:${https}`;
  const seen: IncomingMessage['headers'][] = [];
  const server = createServer();
  server.on('request', ({ headers }) => void seen.push(headers));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [running, upstream] = await Promise.all([startProvider({ appOrigin: origin, ...provider }), startUpstream()]);
  const { issuer, clientId, clientSecret } = running;
  const clock = createTestClock();
  const secrets = ['a secret of a test that has more than 32 characters'];
  const options: BrowserSessionOptions = { issuer, clientId, clientSecret, origin, clock, secrets, resource: API, scope: 'openid offline_access orders:read' };
  const app = await express5App({ options, audience: API, api: upstream.origin, server });
  server.on('request', app.listener as RequestListener);
  server.on('upgrade', (request, socket, head) => void app.upgrade(request, socket, head));
  const warnings: string[] = [];
  const listener = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', listener);
  onTestFinished(async () => {
    process.off('warning', listener);
    await app.close();
    server.closeAllConnections();
    server.close();
    await Promise.all([running.close(), upstream.close()]);
  });
  await startNginx(change(guideConfiguration({ https, http, app: (server.address() as AddressInfo).port })), https);
  return { origin, http: `http://localhost:${http}`, provider: running, upstream, clock, seen, warnings };
}

test('callback address behind proxies: login, call, refresh, events, WebSocket and logout in a browser, behind nginx with the configuration of the guide', async () => {
  const { origin, upstream, clock, seen, warnings } = await startApp();
  echoTo(upstream.server);
  const context = await chromium.newContext({ ignoreHTTPSErrors: true });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(`${origin}/session/login?returnTo=/page`);
  await passLoginPage(page, 'alice', `${origin}/page`);
  expect(await page.locator('body').textContent()).toContain('"subject":"alice"');
  const kept = async () => (await context.cookies(origin)).find(({ name }) => name === '__Host-session');
  const first = await kept();
  expect(first).toMatchObject({ domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' });

  const call = (method: string, path: string) =>
    page.evaluate(
      async ([sentMethod, sentPath, headers]) => {
        const response = await fetch(sentPath, { method: sentMethod, headers });
        return [response.status, await response.json()] as [number, unknown];
      },
      [method, path, HEADERS] as const,
    );
  expect(await call('GET', '/me')).toEqual([200, { subject: 'alice' }]);
  clock.advance(290);
  expect(await call('POST', '/api/orders')).toEqual([200, { method: 'POST', url: '/orders', body: '' }]);
  expect((await kept())!.value).not.toBe(first!.value);

  // the proxy of the guide sends none of them, and another host
  for (const headers of seen) {
    expect(headers.host).toMatch(/^127\.0\.0\.1:/);
    expect(Object.keys(headers).filter((name) => /^(x-)?forwarded/.test(name))).toEqual([]);
  }

  let endEvents!: Promise<unknown>;
  upstream.answer = (_request, response) => {
    endEvents = once(response, 'close');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
  };
  expect(
    await page.evaluate(async (headers) => {
      const events = (await fetch('/api/events', { headers })).body!.pipeThrough(new TextDecoderStream()).getReader();
      Object.assign(window, { events });
      return (await events.read()).value;
    }, HEADERS),
  ).toBe('data: 1\n\n');
  expect(
    await page.evaluate(async () => {
      const socket = new WebSocket(`wss://${location.host}/api/feed`);
      Object.assign(window, { feedClosed: new Promise((resolve) => socket.addEventListener('close', () => resolve('closed'))) });
      socket.addEventListener('open', () => socket.send('hello'));
      return new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)));
    }),
  ).toBe('hello');
  expect((await call('POST', '/session/logout'))[0]).toBe(200);
  // both end with the session
  await endEvents;
  expect(await page.evaluate(() => (window as unknown as { readonly feedClosed: Promise<string> }).feedClosed)).toBe('closed');
  expect(await kept()).toBeUndefined();
  expect((await call('GET', '/me'))[0]).toBe(401);
  expect(warnings).toEqual([]);
});

/** About 9,700 bytes of cookies. */
const LARGE: Partial<ProviderOptions> = {
  configuration: {
    conformIdTokenClaims: false,
    claims: { openid: ['sub', 'sid', 'groups'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, groups: 'x'.repeat(4200) }) }),
  },
};

test('cookie too large for the proxy (502): the configuration of the guide has room for the largest cookie, and nginx has none without it', async () => {
  const { origin, http } = await startApp(undefined, LARGE);
  const browser = createBrowser(CA);
  const login = await browser.visit(`${http}/session/login?returnTo=/x`);
  expect([login.status, login.headers.get('location')]).toEqual([301, `${origin}/session/login?returnTo=/x`]);
  const callback = await browser.logInAt(login.headers.get('location')!, origin);
  expect((await browser.visit(callback)).status).toBe(200);
  const cookies = [...browser.cookies(origin)];
  const bytes = cookies.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  expect(bytes).toBeGreaterThan(9000);
  expect((await browser.visit(`${origin}/me`, { headers: HEADERS })).status).toBe(200);

  const narrow = await startApp((configuration) => configuration.replaceAll(ROOM, ''), LARGE);
  const other = createBrowser(CA);
  expect((await other.visit(await other.logInAt(`${narrow.origin}/session/login`, narrow.origin))).status).toBe(502);
  for (const [name, value] of cookies) other.cookies(narrow.origin).set(name, value);
  expect((await other.visit(`${narrow.origin}/me`, { headers: HEADERS })).status).toBe(400);
});

test('callback address behind proxies: a proxy that removes Upgrade is told in one sentence', async () => {
  const { origin, warnings } = await startApp((configuration) => configuration.replaceAll(UPGRADES, ''));
  const browser = createBrowser(CA);
  await browser.visit(await browser.logInAt(`${origin}/session/login`, origin));
  const cookie = [...browser.cookies(origin)].map(([name, value]) => `${name}=${value}`).join('; ');
  const socket = new WebSocketClient(`${origin.replace('http', 'ws')}/api/feed`, { ca: CA, headers: { cookie, origin } });
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toContain('400');
  await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining('let a proxy in front of this app pass the headers Upgrade and Connection')]));
});

function echoTo(server: Server): void {
  const echo = new WebSocketServer({ server });
  echo.on('connection', (client) => client.on('message', (data, isBinary) => client.send(data, { binary: isBinary })));
}
