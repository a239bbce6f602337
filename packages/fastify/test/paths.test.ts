import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { scope, tokenward, type FastifyGuardOptions } from '@tokenward/fastify';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen, routers, routingOf } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings: FastifyGuardOptions = { issuer: issuer.issuer, audience: issuer.audience };
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'] })}` };

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = async (): Promise<object> => ({ ok: true });

test('rule 151: a guard in a hook of a scope protects its wildcard routes, under every setting of the router', async () => {
  for (const { name } of routers) {
    const app = Fastify(routingOf(name) as FastifyServerOptions);
    await app.register(tokenward, settings);
    await app.register(
      async (nested) => {
        nested.addHook('onRequest', nested.guard());
        nested.get('/wild/*', ok);
      },
      { prefix: '/nested' },
    );
    const origin = await start(app);
    for (const path of ['/nested/wild/a%2fb//c', '/nested/wild/', '/NESTED/WILD/a']) {
      const without = await fetch(`${origin}${path}`);
      const withToken = await fetch(`${origin}${path}`, { headers: good });
      expect([without.status, withToken.status], path).toEqual(withToken.status === 200 ? [401, 200] : [404, 404]);
      if (path.includes('%2f')) expect(withToken.status).toBe(200);
    }
  }
});

test('rule 111: a path that Fastify rewrites gets the guard of its new route', async () => {
  const app = Fastify({ rewriteUrl: ({ url }) => url!.replace('/old', '/new') });
  await app.register(tokenward, settings);
  app.get('/new', { onRequest: app.guard(scope('a')) }, ok);
  const origin = await start(app);
  await expectUnauthorized(await fetch(`${origin}/old`), { scopes: ['a'] });
  expect((await fetch(`${origin}/old`, { headers: good })).status).toBe(200);
});

test('rule 108: with the guard in a hook of the app, a preflight reaches no handler of a route for all methods', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  app.addHook('onRequest', app.guard());
  const handler = vi.fn(ok);
  app.all('/all', handler);
  const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
  expect((await fetch(`${await start(app)}/all`, { method: 'OPTIONS', headers })).status).toBe(401);
  expect(handler).not.toHaveBeenCalled();
});
