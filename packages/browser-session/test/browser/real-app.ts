import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { createTestClock, type TestClock } from '@tokenward/testing';
import type { AppFile, Framework } from '../frameworks/app-parts.ts';
import { API, startProvider, type RunningProvider } from '../provider.ts';
import { startUpstream, type Upstream } from '../upstream.ts';
import { SCOPE, SECRET, watchTokens, type IssuedToken } from '../world.ts';
import { bundledClient } from './page-server.ts';

/** An app of a framework with a page that uses the page's part, an authorization server that asks for consent, and an API behind the app's proxy. */
export interface RealApp {
  /** `http://localhost:<port>`. The issuer is on `127.0.0.1`, so its pages are of another site. */
  readonly origin: string;
  readonly provider: RunningProvider;
  readonly upstream: Upstream;
  /** Of the session. The guard and the issuer go by the real time. */
  readonly clock: TestClock;
  /** All tokens that the issuer issued, oldest first. */
  readonly issued: readonly IssuedToken[];
  /** The number of refreshes that the issuer carried out. */
  refreshes(): number;
  /** All bytes that the app has sent to browsers, one text for each connection. */
  sent(): readonly string[];
  close(): Promise<void>;
}

const PAGE = `<!doctype html><title>App</title><p id="who"></p><pre id="orders"></pre><p id="ended"></p><script type="module">
import { createSession } from '/client.js';
const [who, orders, ended] = ['who', 'orders', 'ended'].map((id) => document.getElementById(id));
const session = createSession({ mode: 'MODE' });
session.onEnd((reason) => {
  who.textContent = 'nobody';
  orders.textContent = '';
  ended.textContent += reason + ';';
});
Object.assign(window, { session });
const user = await session.current();
if (user) orders.textContent = await (await session.fetch('/api/orders')).text();
who.textContent = user ? user.subject : 'nobody';
</script>`;

/** Keeps a copy of every answer that can be kept. A worker that keeps requests, too, would keep what the page sends with them. */
const WORKER = `addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => event.respondWith((async () => {
  const response = await fetch(event.request);
  if (event.request.method === 'GET' && response.status === 200) await (await caches.open('all')).put(event.request.url, response.clone());
  return response;
})()));`;

export async function startRealApp({ create }: Framework, options: Partial<BrowserSessionOptions> = {}): Promise<RealApp> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { tap, sent } = createTap(server.address() as AddressInfo);
  tap.listen(0, '127.0.0.1');
  await once(tap, 'listening');
  const origin = `http://localhost:${(tap.address() as AddressInfo).port}`;
  const [provider, upstream, client] = await Promise.all([startProvider({ appOrigin: origin, asksConsent: true }), startUpstream(), bundledClient()]);
  const issued: IssuedToken[] = [];
  let refreshes = 0;
  watchTokens(provider, issued, () => refreshes++);
  const clock = createTestClock();
  const files = new Map<string, AppFile>([
    ['/', { type: 'text/html', text: PAGE.replace('MODE', options.mode ?? 'bff') }],
    ['/client.js', { type: 'text/javascript', text: client }],
    ['/worker.js', { type: 'text/javascript', text: WORKER }],
  ]);
  const { issuer, clientId, clientSecret } = provider;
  const all = { issuer, clientId, clientSecret, origin, clock, secrets: [SECRET], resource: API, scope: SCOPE, ...options };
  const app = await create({ options: all, audience: API, api: upstream.origin, server, files });
  if (app.listener) server.on('request', app.listener as RequestListener);

  return {
    origin,
    provider,
    upstream,
    clock,
    issued,
    sent,
    refreshes: () => refreshes,
    async close() {
      tap.close();
      server.closeAllConnections();
      server.close();
      await Promise.all([app.close(), provider.close(), upstream.close()]);
    },
  };
}

/** A server between browsers and the app that keeps what the app sends. */
function createTap({ port }: AddressInfo): { readonly tap: Server; sent(): readonly string[] } {
  const kept: Buffer[][] = [];
  const tap = createTcpServer((browser) => {
    const chunks: Buffer[] = [];
    kept.push(chunks);
    const app = connect(port, '127.0.0.1');
    app.on('data', (chunk) => void chunks.push(chunk));
    browser.pipe(app).pipe(browser);
    const end = (one: Socket, other: Socket) => void one.on('error', () => other.destroy()).on('close', () => other.destroy());
    end(browser, app);
    end(app, browser);
  });
  return { tap, sent: () => kept.map((chunks) => Buffer.concat(chunks).toString('latin1')) };
}
