import { once } from 'node:events';
import { decodeJwt } from 'jose';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type * as tokenward from '@tokenward/browser-session/client';
import { startRedis } from '../../../redis/test/redis-server.ts';
import { freePort } from '../../../testing/test/free-port.js';
import { startProcess } from '../fleet/app-processes.ts';
import type { FrameworkProcessOptions } from '../fleet/framework-process.ts';
import { startRedisApp, type RedisAppOptions } from '../fleet/redis-app.ts';
import type { Framework } from '../frameworks/app-parts.ts';
import { express5App } from '../frameworks/express.ts';
import { koaApp } from '../frameworks/koa.ts';
import { API, startProvider, type RunningProvider } from '../provider.ts';
import { startUpstream } from '../upstream.ts';
import { SCOPE, SECRET } from '../world.ts';
import { startChromium } from './chromium.ts';
import { passLoginPage } from './people.ts';
import { bundledClient } from './page-server.ts';

declare global {
  interface Window {
    tokenward: typeof tokenward;
    session: tokenward.Session;
    ends: string[];
    feed: WebSocket;
    feedClosed: Promise<string>;
  }
}

let browser: Browser;
let client: string;

beforeAll(async () => {
  [browser, client] = await Promise.all([startChromium(), bundledClient()]);
}, 60_000);
afterAll(() => browser.close());

/** An app in two processes. Browsers reach this one, and the issuer sends its logout tokens to the other. */
interface Fleet {
  readonly name: string;
  readonly origin: string;
  readonly provider: RunningProvider;
  /** What the other process runs. */
  readonly other: RedisAppOptions;
}

async function startHalf(name: string, create: Framework['create'], shared: Pick<RedisAppOptions, 'api' | 'redisUrl' | 'hasStore'>): Promise<Fleet> {
  const [port, otherPort] = [await freePort(), await freePort()];
  const origin = `http://127.0.0.1:${port}`;
  const provider = await startProvider({
    appOrigin: origin,
    client: { backchannel_logout_uri: `http://127.0.0.1:${otherPort}/session/backchannel-logout` },
  });
  onTestFinished(() => provider.close());
  const { issuer, clientId, clientSecret } = provider;
  const session = { issuer, clientId, clientSecret, origin, secrets: [SECRET], scope: SCOPE, resource: API };
  onTestFinished(await startRedisApp(create, { ...shared, session, port }));
  return { name, origin, provider, other: { ...shared, session, port: otherPort } };
}

async function startEchoingApi(): Promise<string> {
  const upstream = await startUpstream();
  onTestFinished(() => upstream.close());
  const echo = new WebSocketServer({ server: upstream.server });
  echo.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
  return upstream.origin;
}

test('back-channel logout ends a session with a store and without one: the page learns it at its next call, though the logout token came to another process', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.close());
  const shared = { api: await startEchoingApi(), redisUrl: redis.url };
  const [stored, sealed] = await Promise.all([
    startHalf('Express and Fastify, with the sessions in Redis', express5App, { ...shared, hasStore: true }),
    startHalf('Koa and node:http, with the sessions in encrypted cookies', koaApp, { ...shared, hasStore: false }),
  ]);
  await startProcess<FrameworkProcessOptions>('framework-process.ts', { fastify: stored.other, node: sealed.other });
  await Promise.all([stored, sealed].map(logOutAtIssuer));
}, 60_000);

async function logOutAtIssuer({ name, origin, provider }: Fleet): Promise<void> {
  const issued = once(provider.provider, 'grant.success') as Promise<[{ readonly body: { readonly id_token: string } }]>;
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(`${origin}/session/login?returnTo=/page`);
  await passLoginPage(page, 'alice', `${origin}/page`);
  // as a text: what transforms tests would change the import
  await page.evaluate(`import('data:text/javascript;base64,${Buffer.from(client).toString('base64')}').then((module) => { window.tokenward = module; })`);
  await page.evaluate(async () => {
    window.session = window.tokenward.createSession();
    window.ends = [];
    window.session.onEnd((reason) => window.ends.push(reason));
    await window.session.current();
    window.feed = new WebSocket(`ws://${location.host}/api/feed`);
    window.feedClosed = new Promise((resolve) => window.feed.addEventListener('close', () => resolve('closed')));
    await new Promise((resolve) => window.feed.addEventListener('open', resolve));
  });
  const call = () => page.evaluate(async () => (await window.session.fetch('/me')).status);
  expect(await call(), name).toBe(200);

  const [{ body }] = await issued;
  const { sub, sid } = decodeJwt<{ readonly sid: string }>(body.id_token);
  const registered = (await provider.provider.Client.find(provider.clientId)) as unknown as { backchannelLogout(sub: string, sid: string): Promise<void> };
  await registered.backchannelLogout(sub!, sid);
  // rule 186: this process knows it now, too
  expect(await page.evaluate(() => window.feedClosed), name).toBe('closed');
  expect(await page.evaluate(() => window.ends), name).toEqual([]);
  expect(await call(), name).toBe(401);
  expect(await page.evaluate(() => window.ends), name).toEqual(['expired']);
  expect(await page.evaluate(() => window.session.current()), name).toBeNull();
  expect(
    (await context.cookies(origin)).map((cookie) => cookie.name),
    name,
  ).not.toContain('__Host-session');
}
