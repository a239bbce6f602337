import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import { createGuard, scope, type Deny, type KoaGuard } from '@tokenward/koa';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], subject: 'ada' })}` };

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

test('guards on an app, a router and a route all decide, and read the headers of a request once', async () => {
  const guard = newGuard();
  const app = new Koa();
  let reads = 0;
  app.use((context, next) => {
    const { rawHeaders } = context.req;
    Object.defineProperty(context.req, 'rawHeaders', { get: () => (reads++, rawHeaders) });
    return next();
  });
  const router = new Router({ prefix: '/api', sensitive: true });
  router.use(guard(scope('a')) as never);
  router.get('/x', guard.optional() as never, ok as never);
  router.get('/y', guard(scope('b')) as never, ok as never);
  app.use(guard()).use(router.routes() as never);
  const origin = await start(app, guard);
  await expectUnauthorized(await fetch(`${origin}/api/x`));
  await expectUnauthorized(await fetch(`${origin}/nowhere`));
  reads = 0;
  expect((await fetch(`${origin}/api/x`, { headers: good })).status).toBe(200);
  expect(reads).toBe(1);
  await expectForbidden(await fetch(`${origin}/api/y`, { headers: good }), { scopes: ['a', 'b'] });
  expect((await fetch(`${origin}/api/nowhere`, { headers: good })).status).toBe(404);
});

test('rule 155: no downstream middleware runs after a refusal, and upstream middleware sees the answer', async () => {
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

test('rule 155: a refusal that onDenied throws keeps its status and headers', async () => {
  const guard = createGuard({
    issuer: issuer.issuer,
    audience: issuer.audience,
    onDenied: (decision, ctx) => ctx.throw(decision.status, decision.body.title, { headers: decision.headers, decision }),
  });
  const downstream = vi.fn(ok);
  const bare = new Koa();
  bare.use(guard(scope('b'))).use(downstream);
  const byKoa = await fetch(await start(bare, guard));
  expect([byKoa.status, await byKoa.text(), byKoa.headers.get('content-type')]).toEqual([401, 'Unauthorized', 'text/plain; charset=utf-8']);
  expect([byKoa.headers.get('www-authenticate'), byKoa.headers.get('cache-control')]).toEqual([
    expect.stringMatching(/^Bearer realm="api", scope="b", DPoP realm=/),
    'no-store',
  ]);

  const seen: unknown[] = [];
  const handled = new Koa().use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const { status, headers, decision } = error as { status: number; headers: Record<string, string>; decision: Deny };
      seen.push(decision.reason);
      ctx.status = status;
      ctx.set(headers);
      ctx.type = 'application/problem+json';
      ctx.body = JSON.stringify(decision.body);
    }
  });
  handled.use(guard(scope('b'))).use(downstream);
  const origin = await start(handled, guard);
  await expectUnauthorized(await fetch(origin), { scopes: ['b'] });
  await expectForbidden(await fetch(origin, { headers: good }), { scopes: ['b'] });
  expect(seen).toEqual(['missing_token', 'insufficient_scope']);
  expect(downstream).not.toHaveBeenCalled();
});

test('rule 154: the origin follows app.proxy', async () => {
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
