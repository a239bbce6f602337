import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import { createGuard, getAuth, scope, type KoaGuard } from '@tokenward/koa';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a', subject: 'ada' })}` };
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

function newGuard(audience = issuer.audience): KoaGuard {
  return createGuard({ issuer: issuer.issuer, audience });
}

async function start(app: Koa, guard: KoaGuard): Promise<string> {
  app.silent = true;
  const running = await listen(app, guard);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = (context: Context): void => {
  context.body = { ok: true };
};

test('a guard for an app, for a router and for a route; a request is verified once', async () => {
  const guard = newGuard();
  const app = new Koa();
  let looked = 0;
  app.use((context, next) => {
    const { rawHeaders } = context.req;
    Object.defineProperty(context.req, 'rawHeaders', { get: () => (looked++, rawHeaders) });
    return next();
  });
  const router = new Router({ prefix: '/api' });
  router.use(guard(scope('a')) as never);
  router.get('/x', guard.optional() as never, ok as never);
  router.get('/y', guard(scope('b')) as never, ok as never);
  app.use(guard()).use(router.routes() as never);
  const origin = await start(app, guard);
  await expectUnauthorized(await fetch(`${origin}/api/x`));
  await expectUnauthorized(await fetch(`${origin}/nowhere`));
  looked = 0;
  expect((await fetch(`${origin}/api/x`, { headers: good })).status).toBe(200);
  expect(looked).toBe(1);
  await expectForbidden(await fetch(`${origin}/api/y`, { headers: good }), { scope: 'b' });
  expect((await fetch(`${origin}/api/nowhere`, { headers: good })).status).toBe(404);
});

test('rule 155: nothing downstream runs after a refusal, and what stands upstream sees the answer', async () => {
  const guard = newGuard();
  const app = new Koa();
  const downstream = vi.fn(ok);
  const seen: unknown[] = [];
  app.use(async (context, next) => {
    await next();
    seen.push([context.status, context.response.get('www-authenticate').length > 0, context.type]);
  });
  app.use(guard()).use(downstream);
  const origin = await start(app, guard);
  await expectUnauthorized(await fetch(origin));
  expect(downstream).not.toHaveBeenCalled();
  expect(seen).toEqual([[401, true, 'application/problem+json']]);
});

test('rule 154: the origin follows app.proxy, and a malformed Host gives none', async () => {
  const built: string = '../dist/view.js';
  const { view } = (await import(built)) as { view: (context: Context) => { origin: string | undefined; method: string; target: string } };
  for (const proxy of [false, true]) {
    const app = new Koa({ proxy });
    app.use((context) => {
      const { origin, method, target } = view(context);
      context.body = { origin: origin ?? null, method, target };
    });
    const origin = await start(app, newGuard());
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.test', origin: 'https://evil.example.test' };
    const seen = await (await fetch(`${origin}/x?y=1`, { headers })).json();
    expect(seen).toEqual({ method: 'GET', target: '/x?y=1', origin: proxy ? 'https://api.example.test' : origin });
  }
});

test('rule 108: a preflight passes a guard that is mounted, and runs no handler of router.all', async () => {
  const guard = newGuard();
  const app = new Koa();
  const handler = vi.fn(ok);
  const router = new Router();
  router.all('/purge', guard(scope('a')) as never, handler as never);
  app.use(router.routes() as never);
  app.use(guard());
  app.use((context) => {
    if (context.method === 'OPTIONS') context.status = 204;
    else getAuth(context);
  });
  const origin = await start(app, guard);
  expect((await fetch(`${origin}/purge`, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(401);
  expect(handler).not.toHaveBeenCalled();
  expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(204);
  expect((await fetch(`${origin}/x`, { method: 'OPTIONS' })).status).toBe(401);
});

test.each([undefined, null, '', new Error('out of order')])('an onDenied that throws or rejects with %o lets nobody through', async (thrown) => {
  for (const onDenied of [
    () => {
      throw thrown; // eslint-disable-line typescript/only-throw-error -- users do
    },
    () => Promise.reject(thrown), // eslint-disable-line typescript/prefer-promise-reject-errors -- users do
  ]) {
    const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, onDenied });
    const app = new Koa();
    const handler = vi.fn(ok);
    app.use(guard()).use(handler);
    const origin = await start(app, guard);
    expect((await fetch(origin)).status).toBe(500);
    expect(handler).not.toHaveBeenCalled();
  }
});

test('two guards in one app keep to their own audiences', async () => {
  const one = newGuard();
  const two = newGuard('https://two.example.test');
  const app = new Koa();
  const router = new Router();
  router.get('/one', one() as never, ok as never);
  router.get('/two', two() as never, ok as never);
  app.use(router.routes() as never);
  const origin = await start(app, one);
  expect([(await fetch(`${origin}/one`, { headers: good })).status, (await fetch(`${origin}/two`, { headers: good })).status]).toEqual([200, 401]);
});

test('getAuth throws where no guard ran', async () => {
  const app = new Koa();
  const errors: Error[] = [];
  app.on('error', (error: Error) => errors.push(error));
  app.use((context) => {
    context.body = getAuth(context).subject;
  });
  const origin = await start(app, newGuard());
  expect((await fetch(origin, { headers: good })).status).toBe(500);
  expect(errors[0]?.message).toMatch(/no guard has authenticated this request/);
});

test('a request whose answer was sent while keys were fetched reaches no handler', async () => {
  const slow = await createTestIssuer();
  onTestFinished(() => slow.close());
  const slowly: typeof fetch = (...given) => new Promise((resolve) => setTimeout(() => resolve(fetch(...given)), 100));
  const guard = createGuard({ issuer: slow.issuer, audience: slow.audience, fetch: slowly });
  const app = new Koa();
  app.use((context, next) => {
    setTimeout(() => context.res.headersSent || context.res.writeHead(504).end(), 20);
    return next();
  });
  const handler = vi.fn(ok);
  app.use(guard()).use(handler);
  const origin = await start(app, guard);
  const headers = { authorization: `Bearer ${await slow.issueToken()}` };
  expect((await fetch(origin, { headers })).status).toBe(504);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(handler).not.toHaveBeenCalled();
  expect((await fetch(origin, { headers })).status).toBe(200);
});
