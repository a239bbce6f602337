import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { getAuth, scope, tokenward, type Auth, type FastifyGuard } from '@tokenward/fastify';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-fastify.js';

declare module 'fastify' {
  interface FastifyInstance {
    partnerGuard: FastifyGuard;
  }
  interface FastifyRequest {
    readonly partner: Auth | undefined;
  }
}

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
const ofApi = { issuer: issuer.issuer, audience: issuer.audience };
const ofPartner = { issuer: issuer.issuer, audience: PARTNER, decorator: 'partnerGuard', property: 'partner', rolesClaim: ['partner', 'roles'] } as const;

async function withTwoGuards(): Promise<FastifyInstance> {
  const app = Fastify();
  await app.register(tokenward, ofApi);
  await app.register(tokenward, ofPartner);
  return app;
}

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

/** By whom each of the three ways to ask finds the request to be from. */
const tell = async (request: FastifyRequest) => ({
  auth: request.auth?.roles ?? null,
  partner: request.partner?.roles ?? null,
  getAuth: getAuth(request).roles,
});

test("two guards in one scope keep to their own audiences, and don't see each other's answers", async () => {
  const app = await withTwoGuards();
  const handler = vi.fn(tell);
  app.get('/api', { onRequest: app.guard() }, handler);
  app.get('/partner', { onRequest: app.partnerGuard() }, handler);
  const origin = await start(app);
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
  const app = await withTwoGuards();
  const handler = vi.fn(tell);
  await app.register(
    async (api) => {
      api.addHook('onRequest', api.guard());
      api.get('/partner', { onRequest: api.partnerGuard() }, handler);
    },
    { prefix: '/api' },
  );
  app.get('/partner/api', { onRequest: [app.partnerGuard.optional(), app.guard()] }, handler);
  const origin = await start(app);
  for (const path of ['/api/partner', '/partner/api']) {
    for (const token of [tokens.api, tokens.partner]) await expectUnauthorized(await fetch(`${origin}${path}`, bearing(token)), { error: 'invalid_token' });
    await expectUnauthorized(await fetch(`${origin}${path}`));
  }
  expect(handler).not.toHaveBeenCalled();
  const found = { auth: ['reader'], partner: ['auditor'] };
  expect(await (await fetch(`${origin}/api/partner`, bearing(tokens.both))).json()).toEqual({ ...found, getAuth: ['auditor'] });
  expect(await (await fetch(`${origin}/partner/api`, bearing(tokens.both))).json()).toEqual({ ...found, getAuth: ['reader'] });
});

test('two APIs in scopes of their own have guards of the same name, and protect their own routes', async () => {
  const app = Fastify();
  await app.register(
    async (api) => {
      await api.register(tokenward, { ...ofApi, protect: 'all' });
      api.get('/x', tell);
    },
    { prefix: '/api' },
  );
  await app.register(
    async (partner) => {
      await partner.register(tokenward, { issuer: issuer.issuer, audience: PARTNER, protect: 'all' });
      partner.get('/x', tell);
    },
    { prefix: '/partner' },
  );
  const origin = await start(app);
  const statuses = async (token: string) => [
    (await fetch(`${origin}/api/x`, bearing(token))).status,
    (await fetch(`${origin}/partner/x`, bearing(token))).status,
  ];
  expect(await statuses(tokens.api)).toEqual([200, 401]);
  expect(await statuses(tokens.partner)).toEqual([401, 200]);
  expect(await statuses(tokens.both)).toEqual([200, 200]);
});

test('protect and failOnUnguarded are satisfied by another guard', async () => {
  const app = Fastify();
  await app.register(tokenward, ofPartner);
  await app.register(tokenward, { ...ofApi, protect: 'all', failOnUnguarded: true });
  app.get('/partner', { onRequest: app.partnerGuard() }, tell);
  app.get('/config', { config: { tokenward: scope('a') } }, tell);
  const origin = await start(app);
  expect((await fetch(`${origin}/partner`, bearing(tokens.partner))).status).toBe(200);
  expect((await fetch(`${origin}/config`, bearing(tokens.api))).status).toBe(200);
});

test('rule 149: a second registration under the same names stops the start', async () => {
  for (const second of [ofApi, { ...ofApi, decorator: 'partnerGuard' }, { ...ofApi, property: 'partner' }]) {
    const app = Fastify();
    await app.register(tokenward, ofApi);
    await expect(app.register(tokenward, second).ready()).rejects.toThrow(/already been added/);
  }
});

test('a request is verified once a guard, however many of its guards stand on the way', async () => {
  const app = await withTwoGuards();
  let looked = 0;
  app.addHook('onRequest', async ({ raw }) => {
    const { rawHeaders } = raw;
    Object.defineProperty(raw, 'rawHeaders', { get: () => (looked++, rawHeaders) });
  });
  app.addHook('onRequest', app.guard());
  app.get('/x', { onRequest: [app.guard.optional(), app.guard(scope('a'))] }, tell);
  app.get('/y', { config: { tokenward: scope('b') } }, tell);
  app.get('/z', { onRequest: [app.partnerGuard(), app.partnerGuard.optional()] }, tell);
  const origin = await start(app);
  expect((await fetch(`${origin}/x`, bearing(tokens.api))).status).toBe(200);
  expect(looked).toBe(1);
  await expectForbidden(await fetch(`${origin}/y`, bearing(tokens.api)), { scope: 'b' });
  expect(looked).toBe(2);
  expect((await fetch(`${origin}/z`, bearing(tokens.both))).status).toBe(200);
  expect(looked).toBe(4);
});
