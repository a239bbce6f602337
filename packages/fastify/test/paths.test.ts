import cors from '@fastify/cors';
import Fastify, { type FastifyInstance } from 'fastify';
import { scope, tokenward, type FastifyGuardOptions } from '@tokenward/fastify';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings: FastifyGuardOptions = { issuer: issuer.issuer, audience: issuer.audience };
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a' })}` };

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = async (): Promise<object> => ({ ok: true });

test('rule 151: a guard matches the same paths as its route, under every setting of case, slashes and semicolon', async () => {
  for (let bits = 0; bits < 16; bits++) {
    const [caseSensitive, ignoreTrailingSlash, ignoreDuplicateSlashes, useSemicolonDelimiter] = [1, 2, 4, 8].map((bit) => (bits & bit) > 0);
    const app = Fastify({ routerOptions: { caseSensitive, ignoreTrailingSlash, ignoreDuplicateSlashes, useSemicolonDelimiter } as object });
    await app.register(tokenward, settings);
    app.get('/admin', { onRequest: app.guard() }, ok);
    await app.register(
      async (nested) => {
        nested.addHook('onRequest', nested.guard());
        nested.get('/inner', ok);
        nested.get('/wild/*', ok);
      },
      { prefix: '/nested' },
    );
    app.get('/configured/:id', { config: { tokenward: scope('a') } }, ok);
    const origin = await start(app);
    const found: string[] = [];
    for (const path of [
      '/admin',
      '/ADMIN',
      '/admin/',
      '/%61dmin',
      '//admin',
      '/admin;x=1',
      '/admin?x',
      '/nested/inner',
      '/NESTED/INNER/',
      '/nested//inner',
      '/nested/wild/a%2fb//c',
      '/configured/a%2Fb',
      '/configured//a',
      '/CONFIGURED/a;b',
    ]) {
      const without = await fetch(`${origin}${path}`);
      const withToken = await fetch(`${origin}${path}`, { headers: good });
      expect([without.status, withToken.status], path).toEqual(withToken.status === 200 ? [401, 200] : [404, 404]);
      if (withToken.status === 200) found.push(path);
    }
    expect(found).toContain('/nested/inner');
    expect([found.includes('/ADMIN'), found.includes('/admin/'), found.includes('//admin'), found.includes('/admin;x=1')]).toEqual([
      !caseSensitive,
      ignoreTrailingSlash,
      ignoreDuplicateSlashes,
      useSemicolonDelimiter,
    ]);
  }
});

test('rule 111: a path that Fastify rewrites gets the guard of its new route', async () => {
  const app = Fastify({ rewriteUrl: ({ url }) => url!.replace('/old', '/new') });
  await app.register(tokenward, settings);
  app.get('/new', { onRequest: app.guard(scope('a')) }, ok);
  const origin = await start(app);
  await expectUnauthorized(await fetch(`${origin}/old`), { scope: 'a' });
  expect((await fetch(`${origin}/old`, { headers: good })).status).toBe(200);
});

test('rule 108: a preflight reaches @fastify/cors, and no handler of a route for all methods', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  app.addHook('onRequest', app.guard());
  await app.register(cors, { origin: 'https://app.example.test' });
  const handler = vi.fn(ok);
  app.all('/all', handler);
  app.get('/x', ok);
  const origin = await start(app);
  const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
  expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers })).status).toBe(204);
  expect((await fetch(`${origin}/all`, { method: 'OPTIONS', headers })).status).toBe(401);
  expect(handler).not.toHaveBeenCalled();
});

test('with @fastify/cors before the guard, refusals are readable across origins', async () => {
  const app = Fastify();
  await app.register(cors, { origin: 'https://app.example.test', exposedHeaders: ['www-authenticate'] });
  await app.register(tokenward, settings);
  app.get('/x', { onRequest: app.guard() }, ok);
  const refused = await fetch(`${await start(app)}/x`, { headers: { origin: 'https://app.example.test' } });
  await expectUnauthorized(refused);
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example.test');
  expect(refused.headers.get('access-control-expose-headers')).toBe('www-authenticate');
});
