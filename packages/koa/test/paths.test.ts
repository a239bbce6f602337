import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import { createGuard, type KoaGuard } from '@tokenward/koa';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

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
