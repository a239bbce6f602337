import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import { claim, createGuard, getAuth, scope, type Deny, type KoaGuardOptions } from '@tokenward/koa';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a', subject: 'ada', claims: { tenant: 'acme' } })}` };

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

test('check takes a context or a plain request, and answers nothing', async () => {
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

test('permit gives its predicates the request, and refuse answers as the guard does', async () => {
  for (const onDenied of [undefined, (_decision: Deny, context: Context) => void (context.body = { mine: true })]) {
    const guard = newGuard({ onDenied });
    const router = new Router();
    router.get(
      '/x/:tenant',
      guard() as never,
      (async (context: Context) => {
        const own = claim('tenant', (tenant, _auth, request) => request?.params?.['tenant'] === tenant);
        const decision = guard.permit(getAuth(context), own, context);
        if (decision.outcome === 'deny') return guard.refuse(decision, context);
        return ok(context);
      }) as never,
    );
    const origin = await start(new Koa().use(router.routes() as never), guard);
    expect((await fetch(`${origin}/x/acme`, { headers: good })).status).toBe(200);
    const refused = await fetch(`${origin}/x/globex`, { headers: good });
    if (onDenied) expect([refused.status, await refused.json()]).toEqual([403, { mine: true }]);
    else await expectForbidden(refused);
  }
});

test('onRefused sees each refusal; an onDenied that gives the decision back has the guard answer', async () => {
  const seen: unknown[] = [];
  const guard = newGuard({ onRefused: (decision, context) => seen.push([decision.reason, context.path]), onDenied: (decision) => decision });
  const app = new Koa();
  app.use(guard(scope('b'))).use(ok);
  const origin = await start(app, guard);
  await expectUnauthorized(await fetch(`${origin}/x`), { scope: 'b' });
  await expectForbidden(await fetch(`${origin}/x`, { headers: good }), { scope: 'b' });
  expect(seen).toEqual([
    ['missing_token', '/x'],
    ['insufficient_scope', '/x'],
  ]);
});

test('rule 155: what stands upstream of a mounted app sees its refusal, and goes on', async () => {
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

test('rule 157: a refusal by hand is no error of the app', async () => {
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

test('rule 158: a guard without its brackets, or without a context, says what to write', async () => {
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

test('rule 159: a policy made of the request is that of each request', async () => {
  const guard = newGuard();
  const router = new Router();
  router.get('/tenants/:tenant', guard((context) => claim('tenant', context.params['tenant']!)) as never, ok as never);
  const origin = await start(new Koa().use(router.routes() as never), guard);
  expect((await fetch(`${origin}/tenants/%61cme`, { headers: good })).status).toBe(200);
  await expectForbidden(await fetch(`${origin}/tenants/globex`, { headers: good }));
  await expectUnauthorized(await fetch(`${origin}/tenants/globex`));
});

test.each([undefined, null, 'GET /', 7, [], () => {}, {}, new Headers()])('rule 158: check of %s says what to give, and admits nobody', async (given) => {
  const guard = newGuard();
  expect(() => guard.check(given as never)).toThrow(/guard\.check\(.*\. Pass the framework's request or context/);
  await guard.close();
});

test('rule 158: permit without an Auth, or with something else for a request, says what to give', async () => {
  const guard = newGuard();
  const decision = await guard.check({ headers: good } as never);
  if (decision.outcome !== 'allow' || !decision.auth) throw new Error('it is admitted');
  for (const none of [undefined, null, 'ada']) expect(() => guard.permit(none as never, scope('a'))).toThrow(/permit\(auth, policy\): auth must be/);
  for (const none of [null, 'GET /', []])
    expect(() => guard.permit(decision.auth, scope('a'), none as never)).toThrow(/guard\.permit\(.*\. Pass the framework's request/);
  expect(guard.permit(decision.auth, scope('a')).outcome).toBe('allow');
  await guard.close();
});
