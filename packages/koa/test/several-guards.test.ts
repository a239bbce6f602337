import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import { createGuard, getAuth, scope, type Auth, type KoaGuard } from '@tokenward/koa';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const PARTNER = 'https://partner.example.test';
const claims = { roles: ['reader'], partner: { roles: ['auditor'] } };
const tokens = {
  api: await issuer.issueToken({ claims, scope: 'a' }),
  partner: await issuer.issueToken({ claims, audience: PARTNER }),
  both: await issuer.issueToken({ claims, audience: [PARTNER, issuer.audience] }),
};
const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

function twoGuards(): { api: KoaGuard; partner: KoaGuard } {
  return {
    api: createGuard({ issuer: issuer.issuer, audience: issuer.audience }),
    partner: createGuard({ issuer: issuer.issuer, audience: PARTNER, property: 'partner', rolesClaim: ['partner', 'roles'] }),
  };
}

async function start(app: Koa, guard: KoaGuard): Promise<string> {
  const running = await listen(app, guard);
  onTestFinished(() => running.close());
  return running.origin;
}

/** By whom each of the three ways to ask finds the request to be from. */
function tell(context: Context): void {
  const { auth, partner } = context.state as { auth?: Auth; partner?: Auth };
  const last: Auth | undefined = getAuth(context);
  context.body = { auth: auth?.roles ?? null, partner: partner?.roles ?? null, getAuth: last?.roles };
}

test("two guards in one app keep to their own audiences, and don't see each other's answers", async () => {
  const { api, partner } = twoGuards();
  const router = new Router();
  const handler = vi.fn(tell);
  router.get('/api', api() as never, handler as never);
  router.get('/partner', partner() as never, handler as never);
  const origin = await start(new Koa().use(router.routes() as never), api);
  for (const [path, token] of [['api', 'partner'], ['partner', 'api']] as const) await expectUnauthorized(await fetch(`${origin}/${path}`, bearing(tokens[token])), { error: 'invalid_token' }); // prettier-ignore
  expect(handler).not.toHaveBeenCalled();
  for (const token of [tokens.api, tokens.both]) {
    expect(await (await fetch(`${origin}/api`, bearing(token))).json()).toEqual({ auth: ['reader'], partner: null, getAuth: ['reader'] });
  }
  for (const token of [tokens.partner, tokens.both]) {
    expect(await (await fetch(`${origin}/partner`, bearing(token))).json()).toEqual({ auth: null, partner: ['auditor'], getAuth: ['auditor'] });
  }
});

test('where two guards stand on the way both must admit, each has its own property, and getAuth says what the last one found', async () => {
  const { api, partner } = twoGuards();
  const router = new Router();
  const handler = vi.fn(tell);
  router.use('/api', api() as never);
  router.get('/api/partner', partner() as never, handler as never);
  router.get('/partner/api', partner.optional() as never, api() as never, handler as never);
  const origin = await start(new Koa().use(router.routes() as never), api);
  for (const path of ['/api/partner', '/partner/api']) {
    for (const token of [tokens.api, tokens.partner]) await expectUnauthorized(await fetch(`${origin}${path}`, bearing(token)), { error: 'invalid_token' });
    await expectUnauthorized(await fetch(`${origin}${path}`));
  }
  expect(handler).not.toHaveBeenCalled();
  const found = { auth: ['reader'], partner: ['auditor'] };
  expect(await (await fetch(`${origin}/api/partner`, bearing(tokens.both))).json()).toEqual({ ...found, getAuth: ['auditor'] });
  expect(await (await fetch(`${origin}/partner/api`, bearing(tokens.both))).json()).toEqual({ ...found, getAuth: ['reader'] });
});

test('a request is verified once a guard, however many of its guards stand on the way', async () => {
  const { api, partner } = twoGuards();
  const app = new Koa();
  let looked = 0;
  app.use((context, next) => {
    const { rawHeaders } = context.req;
    Object.defineProperty(context.req, 'rawHeaders', { get: () => (looked++, rawHeaders) });
    return next();
  });
  const router = new Router({ prefix: '/api', sensitive: true });
  router.use(api.optional() as never);
  router.get('/x', api(scope('a')) as never, tell as never);
  router.get('/y', api(scope('b')) as never, tell as never);
  router.get('/z', partner() as never, partner.optional() as never, tell as never);
  const origin = await start(app.use(api()).use(router.routes() as never), api);
  expect((await fetch(`${origin}/api/x`, bearing(tokens.api))).status).toBe(200);
  expect(looked).toBe(1);
  await expectForbidden(await fetch(`${origin}/api/y`, bearing(tokens.api)), { scope: 'b' });
  expect(looked).toBe(2);
  expect((await fetch(`${origin}/api/z`, bearing(tokens.both))).status).toBe(200);
  expect(looked).toBe(4);
});
