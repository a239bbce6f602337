import Koa, { type Context } from 'koa';
import { createGuard, scope, type KoaGuardOptions } from '@tokenward/koa';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], subject: 'ada', claims: { tenant: 'acme' } })}` };

function newGuard(options: KoaGuardOptions = {}) {
  return createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
}

async function start(app: Koa, guard = newGuard()): Promise<string> {
  app.silent = true;
  const running = await listen(app, guard);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = (context: Context): void => {
  context.body = { ok: true };
};

test('check() takes a context or a plain request, and does not answer it', async () => {
  const guard = newGuard();
  const app = new Koa();
  app.use(async (context) => {
    const decisions = [await guard.check(context, scope('a')), await guard.check(context.req, scope('b'))];
    context.body = decisions.map(({ outcome }) => outcome);
  });
  const origin = await start(app, guard);
  expect(await (await fetch(origin, { headers: good })).json()).toEqual(['allow', 'deny']);
  expect(await (await fetch(origin)).json()).toEqual(['deny', 'deny']);
});

test('rule 155: middleware upstream of a mounted app continues after a refusal, and sees it', async () => {
  const { default: mount } = await import('koa-mount');
  const guard = newGuard();
  const seen: unknown[] = [];
  const app = new Koa().use(async (context, next) => {
    await next();
    seen.push([context.status, context.response.get('www-authenticate').length > 0]);
  });
  app.use(mount('/inner', new Koa().use(guard() as never).use(ok)) as never);
  const origin = await start(app, guard);
  await expectUnauthorized(await fetch(`${origin}/inner`));
  expect(seen).toEqual([[401, true]]);
});

test('rule 157: a guard called by hand refuses without an error event on the app', async () => {
  const guard = newGuard();
  const app = new Koa();
  const errors = vi.fn();
  app.on('error', errors);
  app.use(async (context) => {
    await guard()(context);
    ok(context);
  });
  const origin = await start(app, guard);
  await expectUnauthorized(await fetch(origin));
  expect((await fetch(origin, { headers: good })).status).toBe(200);
  expect(errors).not.toHaveBeenCalled();
});

test('rule 158: a guard without its parentheses, or without a context, throws an error that says what to write', async () => {
  const guard = newGuard();
  const errors: string[] = [];
  for (const slip of [guard, guard.optional]) {
    const app = new Koa();
    app.on('error', (error: Error) => errors.push(error.message));
    const handler = vi.fn(ok);
    app.use(slip as never).use(handler);
    const origin = await start(app, guard);
    expect((await fetch(origin, { headers: good })).status).toBe(500);
    expect(handler).not.toHaveBeenCalled();
  }
  expect(errors).toEqual([expect.stringContaining('write guard() and not guard'), expect.stringContaining('write guard() and not guard')]);
  expect(() => guard(guard() as never)).toThrow(/argument 1: is a guard/);
  expect(() => (guard() as (...given: unknown[]) => unknown)({})).toThrow(/Write await guard\(\.\.\.\)\(ctx\)/);
});

test.each([[[]], [() => {}], [{}], [new Headers()]])('rule 158: check() throws for an object without headers: %s', async (given) => {
  const guard = newGuard();
  expect(() => guard.check(given as never)).toThrow(/guard\.check\(.*framework's request/);
  await guard.close();
});

test('rule 224: a refusal keeps nothing by which earlier middleware lets shared caches keep the answer', async () => {
  const guard = newGuard();
  const app = new Koa();
  app.use((context, next) => {
    context.set({ 'CDN-Cache-Control': 'max-age=60', 'Cache-Control': 'public', 'X-Mine': '1' });
    return next();
  });
  app.use(guard()).use(ok);
  const { headers } = await fetch(await start(app, guard));
  expect([headers.get('cdn-cache-control'), headers.get('cache-control'), headers.get('x-mine')]).toEqual([null, 'no-store', '1']);
});
