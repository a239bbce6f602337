import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { getAuth, scope, tokenward, type FastifyGuard } from '@tokenward/fastify';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { listen } from './start-fastify.js';

declare module 'fastify' {
  interface FastifyInstance {
    partnerGuard: FastifyGuard;
  }
}

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const PARTNER = 'https://partner.example.test';
const tokens = {
  api: await issuer.issueToken({ scopes: ['a'] }),
  partner: await issuer.issueToken({ audience: PARTNER }),
  both: await issuer.issueToken({ audience: [PARTNER, issuer.audience] }),
};
const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const ofApi = { issuer: issuer.issuer, audience: issuer.audience };
const ofPartner = { issuer: issuer.issuer, audience: PARTNER, decorator: 'partnerGuard', property: 'partner' } as const;

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const tell = async (request: FastifyRequest) => ({ for: getAuth(request).subject });

test('two APIs in separate scopes have guards of the same name, which protect only their own routes', async () => {
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

test('protect and failOnUnguarded accept the guard of another plugin', async () => {
  const app = Fastify();
  await app.register(tokenward, ofPartner);
  await app.register(tokenward, { ...ofApi, protect: 'all', failOnUnguarded: true });
  app.get('/partner', { onRequest: app.partnerGuard() }, tell);
  app.get('/config', { config: { tokenward: scope('a') } }, tell);
  const origin = await start(app);
  expect((await fetch(`${origin}/partner`, bearing(tokens.partner))).status).toBe(200);
  expect((await fetch(`${origin}/config`, bearing(tokens.api))).status).toBe(200);
});

test('rule 149: does not start with a second registration under the same decorator or property', async () => {
  for (const second of [ofApi, { ...ofApi, decorator: 'partnerGuard' }, { ...ofApi, property: 'partner' }]) {
    const app = Fastify();
    await app.register(tokenward, ofApi);
    await expect(app.register(tokenward, second).ready()).rejects.toThrow(/already been added/);
  }
});
