import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { createBrowserSession } from '@tokenward/browser-session';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { createBrowser } from './browser.ts';
import { API, startProvider } from './provider.ts';
import { startUpstream } from './upstream.ts';
import { CSRF, SCOPE, SECRET } from './world.ts';

test('Hono takes handle and the proxy as they are: login, page, call and logout', async () => {
  const app = new Hono();
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server;
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [provider, upstream] = await Promise.all([startProvider({ appOrigin: origin }), startUpstream()]);
  const { issuer, clientId, clientSecret } = provider;
  const session = createBrowserSession({ issuer, clientId, clientSecret, origin, secrets: [SECRET], resource: API, scope: SCOPE });
  const orders = session.proxy({ to: upstream.origin, methods: ['GET', 'POST'], paths: ['/'], mountPath: '/api' });
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await Promise.all([session.close(), provider.close(), upstream.close()]);
  });
  app.all('/session/*', (context) => session.handle(context.req.raw));
  app.all('/api/*', (context) => orders(context.req.raw));
  app.get('/page', async (context) => context.json({ subject: (await session.get(context.req.raw))?.subject ?? null }));

  const browser = createBrowser();
  const page = async (method: string, path: string) => browser.visit(`${origin}${path}`, { method, headers: CSRF });
  expect(await (await page('GET', '/page')).json()).toEqual({ subject: null });
  expect((await page('GET', '/api/orders')).status).toBe(401);

  const callback = await browser.logInAt(`${origin}/session/login?returnTo=/page`, origin);
  expect((await browser.visit(callback)).status).toBe(200);
  expect(await (await page('GET', '/page')).json()).toEqual({ subject: 'alice' });
  expect(await (await page('GET', '/session/user')).json()).toMatchObject({ user: { subject: 'alice', scopes: ['orders:read'] } });
  expect(await (await page('GET', '/api/orders?x=1')).json()).toMatchObject({ method: 'GET', url: '/orders?x=1' });
  expect(upstream.seen.at(-1)!.headers).toMatchObject({ authorization: expect.stringMatching(/^Bearer /) as string });
  expect(upstream.seen.at(-1)!.headers.cookie).toBeUndefined();

  expect((await page('POST', '/session/logout')).status).toBe(200);
  expect(await (await page('GET', '/session/user')).json()).toEqual({ user: null });
  expect((await page('GET', '/api/orders')).status).toBe(401);
});
