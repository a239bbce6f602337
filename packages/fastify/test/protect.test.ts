import cors from '@fastify/cors';
import Fastify, { type FastifyInstance } from 'fastify';
import { role, scope, tokenward } from '@tokenward/fastify';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings = { issuer: issuer.issuer, audience: issuer.audience };
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'] })}` };

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = async (): Promise<object> => ({ ok: true });

test('with protect: all, a route is public only if it says so', async () => {
  const app = Fastify();
  await app.register(tokenward, { ...settings, protect: 'all' });
  app.get('/silent', ok);
  app.get('/public', { config: { tokenward: 'public' } }, ok);
  app.get('/optional', { config: { tokenward: 'optional' } }, async (request) => ({ subject: request.auth?.subject ?? null }));
  app.get('/scope', { config: { tokenward: scope('b') } }, ok);
  app.get('/both', { config: { tokenward: [scope('a'), role('admin')] } }, ok);
  const origin = await start(app);
  await expectUnauthorized(await fetch(`${origin}/silent`));
  expect((await fetch(`${origin}/silent`, { headers: good })).status).toBe(200);
  expect((await fetch(`${origin}/public`)).status).toBe(200);
  expect(await (await fetch(`${origin}/optional`)).json()).toEqual({ subject: null });
  await expectForbidden(await fetch(`${origin}/scope`, { headers: good }), { scopes: ['b'] });
  await expectForbidden(await fetch(`${origin}/both`, { headers: good }));
  expect((await fetch(`${origin}/nowhere`)).status).toBe(404);
});

test('with failOnUnguarded, a route without a guard or a rule throws', async () => {
  const app = Fastify();
  await app.register(tokenward, { ...settings, failOnUnguarded: true });
  app.get('/a', { onRequest: app.guard() }, ok);
  app.get('/b', { config: { tokenward: 'public' } }, ok);
  expect(() => app.get('/c', ok)).toThrow(/GET \/c: has no guard/);
  expect(() => app.get('/d', { onRequest: async () => {} }, ok)).toThrow(/GET \/d: has no guard/);
  const both = Fastify();
  await both.register(tokenward, { ...settings, failOnUnguarded: true, protect: 'all' });
  expect(() => both.get('/e', ok)).toThrow(/GET \/e: has no guard/);
});

test('with failOnUnguarded or protect: all, @fastify/cors answers preflights', async () => {
  for (const option of [{ failOnUnguarded: true }, { protect: 'all' }] as const) {
    const app = Fastify();
    await app.register(tokenward, { ...settings, ...option });
    await app.register(cors, { origin: 'https://app.example.test' });
    app.get('/x', { config: { tokenward: 'required' } }, ok);
    const origin = await start(app);
    const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
    expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers })).status).toBe(204);
  }
});

test('with failOnUnguarded or protect: all, an OPTIONS route without a rule admits only preflights', async () => {
  for (const option of [{ failOnUnguarded: true }, { protect: 'all' }] as const) {
    const app = Fastify();
    await app.register(tokenward, { ...settings, ...option });
    app.options('/x', async (_request, reply) => reply.code(204).send());
    const origin = await start(app);
    const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
    expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers })).status).toBe(204);
    await expectUnauthorized(await fetch(`${origin}/x`, { method: 'OPTIONS' }));
  }
});

test('guards routes that were added before the plugin was loaded', async () => {
  const app = Fastify();
  void app.register(tokenward, { ...settings, protect: 'all' });
  app.get('/silent', ok);
  app.get('/scope', { config: { tokenward: scope('z') } }, ok);
  app.get('/public', { config: { tokenward: 'public' } }, ok);
  const origin = await start(app);
  await expectUnauthorized(await fetch(`${origin}/silent`));
  await expectForbidden(await fetch(`${origin}/scope`, { headers: good }), { scopes: ['z'] });
  expect((await fetch(`${origin}/public`)).status).toBe(200);
  expect((await fetch(`${origin}/nowhere`)).status).toBe(404);

  const strict = Fastify();
  void strict.register(tokenward, { ...settings, failOnUnguarded: true });
  const handler = vi.fn(ok);
  strict.get('/x', handler);
  expect((await fetch(`${await start(strict)}/x`)).status).toBe(500);
  expect(handler).not.toHaveBeenCalled();
});
