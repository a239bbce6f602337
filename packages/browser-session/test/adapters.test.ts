import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBrowserSession } from '@tokenward/browser-session';
import { createBrowserSession as createExpressSession } from '@tokenward/browser-session/express';
import { createBrowserSession as createFastifySession } from '@tokenward/browser-session/fastify';
import { createBrowserSession as createKoaSession } from '@tokenward/browser-session/koa';
import { createBrowserSession as createNestSession } from '@tokenward/browser-session/nestjs';
import { createBrowserSession as createNodeSession } from '@tokenward/browser-session/node';
import Express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import mount from 'koa-mount';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startProxiedApp } from './proxied-app.ts';

const OPTIONS = {
  issuer: 'https://login.example.com',
  clientId: 'web-app',
  clientSecret: 'a-client-secret-of-more-than-32-characters',
  origin: 'https://app.example.com',
  secrets: ['a secret of a test that has more than 32 characters'],
};
/** Nobody is logged in: a listed path of the API is 401, every other is 404. So the status shows what was removed from the path. */
const PROXY = { to: 'http://127.0.0.1:1', methods: ['GET'], paths: ['/orders'] };

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url, { headers: { 'x-tokenward-csrf': '1' } });
  await response.body?.cancel();
  return response.status;
}

test('the CommonJS copy loads no framework, and no package without CommonJS, since Jest could not load it', () => {
  const bundle = readFileSync(new URL('../dist/cjs/bundle.js', import.meta.url), 'utf8');
  const required = new Set([...bundle.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name!));
  expect([...required].filter((name) => !name.startsWith('node:') && !name.startsWith('@tokenward/core'))).toEqual([]);
});

test('Express: the path of every router above the proxy is removed, in any case', async () => {
  const router = Express.Router().use('/api', createExpressSession(OPTIONS).proxy(PROXY));
  const app = Express().use('/tenants/:tenant', router);
  const origin = await listen((request, response) => void app(request, response));
  const paths = ['/tenants/a/api/orders', '/TENANTS/a/API/orders/1', '/tenants/a/api/other', '/tenants/a/api', '/orders'];
  expect(await Promise.all(paths.map((path) => statusOf(origin + path)))).toEqual([401, 401, 404, 404, 404]);
});

test('Express and Koa: warns once if the routes are mounted where no request for them arrives', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  onTestFinished(() => warnings.mockRestore());
  const express = Express().use('/app', createExpressSession(OPTIONS).routes()).use('/session', createExpressSession(OPTIONS).routes());
  const koa = new Koa().use(mount('/app', createKoaSession(OPTIONS).routes())).callback();
  const listeners: RequestListener[] = [(request, response) => void express(request, response), (request, response) => void koa(request, response)];
  for (const listener of listeners) {
    // eslint-disable-next-line no-await-in-loop -- in order, since they share the spy
    const origin = await listen(listener);
    // eslint-disable-next-line no-await-in-loop
    for (const path of ['/app/session/user', '/app/x', '/session/other']) await statusOf(origin + path);
    expect(warnings.mock.calls.map(([text]) => text)).toEqual([
      'tokenward: session.routes() is mounted at /app, where no request for /session arrives. Mount it without a path, or set the option path to /app/session',
    ]);
    warnings.mockClear();
  }
});

test('routes itself is no middleware: a call with a request throws instead of leaving it without an answer', async () => {
  for (const create of [createExpressSession, createKoaSession, createFastifySession, createNodeSession, createNestSession]) {
    const { routes } = create(OPTIONS) as { readonly routes: (...given: unknown[]) => unknown };
    expect(() => routes({}, {})).toThrow(/session\.routes: was passed on without a call\. Write .*session\.routes\(\)/);
  }
});

test('Koa: koa-mount removes the path as mountPath does', async () => {
  const session = createKoaSession(OPTIONS);
  const app = new Koa();
  app.use(mount('/mounted', session.proxy(PROXY)));
  app.use(session.proxy({ ...PROXY, mountPath: '/own' }));
  const handle = app.callback();
  const origin = await listen((request, response) => void handle(request, response));
  const paths = ['/mounted/orders', '/own/orders', '/mounted/other', '/own/other', '/orders'];
  expect(await Promise.all(paths.map((path) => statusOf(origin + path)))).toEqual([401, 401, 404, 404, 404]);
});

test('Fastify: the prefix is removed, also with parameters, in other cases and encodings', async () => {
  const app = Fastify({ routerOptions: { caseSensitive: false } });
  onTestFinished(() => app.close());
  await app.register(createFastifySession(OPTIONS).proxy(PROXY), { prefix: '/tenants/:tenant/api' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const paths = ['/tenants/a/api/orders', '/TENANTS/a%2Fb/%61pi/orders', '/tenants/a/api/other', '/tenants/a/api', '/orders'];
  expect(await Promise.all(paths.map((path) => statusOf(origin + path)))).toEqual([401, 401, 404, 404, 404]);
  await expect(Fastify().register(createFastifySession(OPTIONS).routes(), { prefix: '/app' })).rejects.toThrow('must have no prefix');
});

test('without a framework the proxy takes and returns what fetch does, and checks the length of a body', async () => {
  const app = await startProxiedApp();
  onTestFinished(() => app.close());
  const { issuer, clientId, clientSecret } = app.provider;
  const session = createBrowserSession({ ...OPTIONS, issuer, clientId, clientSecret, origin: app.origin, clock: app.clock });
  const proxy = session.proxy({ to: `${app.upstream.origin}/v1`, methods: ['GET', 'POST'], paths: ['/'], mountPath: '/api' });
  const headers = { cookie: app.cookie, 'x-tokenward-csrf': '1' };
  const call = (url: string, init: RequestInit = {}, ...rest: [mountPath?: string]): Promise<Response> =>
    proxy(new Request(url, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } }), ...rest);

  expect(await (await call('https://any.example/api/orders?x')).json()).toEqual({ method: 'GET', url: '/v1/orders?x', body: '' });
  expect(await (await call('https://any.example/rest/orders', {}, '/rest/')).json()).toMatchObject({ url: '/v1/orders' });
  expect((await call('https://any.example/rest/orders')).status).toBe(404);
  expect((await proxy(new Request('https://any.example/api/orders'))).status).toBe(403);

  app.upstream.seen.length = 0;
  const smuggled = 'abcdeGET /admin HTTP/1.1\r\nhost: x\r\n\r\n';
  for (const length of ['5', '500']) {
    // eslint-disable-next-line no-await-in-loop
    expect((await call('https://any.example/api/orders', { method: 'POST', body: smuggled, headers: { 'content-length': length } })).status).toBe(400);
  }
  // a header that fetch takes, and HTTP does not
  expect((await call('https://any.example/api/orders', { headers: { 'x-mine': 'a\u0001b' } })).status).toBe(400);
  // the API would get an empty body
  const read = new Request('https://any.example/api/orders', { method: 'POST', body: 'x', headers });
  await read.text();
  await expect(proxy(read)).rejects.toThrow('whose body was read before');
  const logout = new Request('https://any.example/session/backchannel-logout', { method: 'POST', body: 'logout_token=x' });
  await logout.text();
  await expect(session.handle(logout)).rejects.toThrow('whose body was read before');
  await call('https://any.example/api/next');
  expect(app.upstream.seen.map(({ url }) => url)).toEqual(['/v1/next']);
});
