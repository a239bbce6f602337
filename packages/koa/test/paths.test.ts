import cors from '@koa/cors';
import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import mount from 'koa-mount';
import { createGuard, getAuth, scope, type KoaGuard } from '@tokenward/koa';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a' })}` };
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

function newGuard(): KoaGuard {
  return createGuard({ issuer: issuer.issuer, audience: issuer.audience });
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

test('rule 151: a guard matches the same paths as its route, under every setting of case and trailing slash', async () => {
  for (const [sensitive, strict] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const guard = newGuard();
    // always case-sensitive, for the reason that the next test shows
    const nested = new Router({ sensitive: true, strict });
    nested.use(guard(scope('a')) as never);
    nested.get('/inner', ok as never);
    const router = new Router({ sensitive, strict });
    router.get('/admin', guard() as never, ok as never);
    router.get('/of/:id', guard() as never, ok as never);
    router.use('/nested', nested.routes(), nested.allowedMethods());
    const origin = await start(new Koa().use(router.routes() as never), guard);
    const found: string[] = [];
    for (const path of [
      '/admin',
      '/ADMIN',
      '/admin/',
      '/%61dmin',
      '//admin',
      '/admin;x',
      '/admin?x',
      '/of/a%2Fb',
      '/of//a',
      '/nested/inner',
      '/NESTED/INNER/',
      '/nested//inner',
    ]) {
      const without = await fetch(`${origin}${path}`);
      const withToken = await fetch(`${origin}${path}`, { headers: good });
      expect([without.status, withToken.status], path).toEqual(withToken.status === 200 ? [401, 200] : [404, 404]);
      if (withToken.status === 200) found.push(path);
    }
    expect(found).toContain('/nested/inner');
    expect([found.includes('/ADMIN'), found.includes('/admin/')]).toEqual([!sensitive, !strict]);
  }
});

test('rule 151: warns once if @koa/router skips a guard for a path in another case', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const statuses = async (options: object, build: (router: Router, guard: KoaGuard) => Router) => {
    warn.mockClear();
    const guard = newGuard();
    const router = build(new Router({ prefix: '/api', ...options }), guard);
    const origin = await start(new Koa().use(router.routes() as never), guard);
    const answers = [];
    for (const path of ['/api/x', '/api/x', '/API/x']) answers.push((await fetch(`${origin}${path}`)).status);
    return [...answers, warn.mock.calls.length];
  };
  const onRouter = (router: Router, guard: KoaGuard) => router.use(guard() as never).get('/x', ok as never);
  const onRoute = (router: Router, guard: KoaGuard) => router.get('/x', guard() as never, ok as never);
  const onNested = (router: Router, guard: KoaGuard) => new Router().use(onRouter(router, guard).routes());
  expect(await statuses({}, onRouter)).toEqual([401, 401, 200, 1]);
  expect(warn.mock.calls[0]).toEqual([expect.stringContaining('another case'), expect.objectContaining({ code: 'TOKENWARD_ROUTER_CASE' })]);
  expect(await statuses({}, onNested)).toEqual([401, 401, 200, 1]);
  expect(await statuses({}, onRoute)).toEqual([401, 401, 401, 0]);
  expect(await statuses({ sensitive: true }, onRouter)).toEqual([401, 401, 404, 0]);
  expect(await statuses({ prefix: '' }, (router, guard) => router.use(guard() as never).get(['/api/x'], ok as never))).toEqual([401, 401, 401, 0]);
});

test('a guard in a mounted app protects all paths under its prefix, and none beside it', async () => {
  const guard = newGuard();
  const inner = new Koa().use(guard(scope('a'))).use(ok as never);
  const app = new Koa().use(mount('/admin', inner)).use(ok as never);
  const origin = await start(app, guard);
  for (const path of ['/admin', '/admin/', '/admin/x', '/admin//x', '/admin/%2e']) {
    await expectUnauthorized(await fetch(`${origin}${path}`), { scope: 'a' });
    expect((await fetch(`${origin}${path}`, { headers: good })).status).toBe(200);
  }
  for (const path of ['/', '/administration']) expect((await fetch(`${origin}${path}`)).status).toBe(200);
});

test('rule 108: a preflight passes a mounted guard, and reaches no handler of router.all', async () => {
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

test('with @koa/cors before the guard, preflights are answered and refusals are readable across origins', async () => {
  const guard = newGuard();
  const app = new Koa()
    .use(cors({ exposeHeaders: 'www-authenticate' }))
    .use(guard())
    .use(ok as never);
  const origin = await start(app, guard);
  expect((await fetch(origin, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(204);
  const refused = await fetch(origin, { headers: { origin: PREFLIGHT.origin } });
  await expectUnauthorized(refused);
  expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  expect(refused.headers.get('access-control-expose-headers')).toBe('www-authenticate');
});
