import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { scope, tokenward } from '@tokenward/fastify';
import { actAs, assertProtected, expectForbidden } from '@tokenward/testing';
import { listRoutes } from '@tokenward/testing/routes';
import { expect, onTestFinished, test } from 'vitest';

const OPTIONS = { issuer: 'https://login.invalid', audience: 'https://api.example.com' };
const ran: string[] = [];

async function appOf(options: object = {}): Promise<FastifyInstance> {
  ran.length = 0;
  const app = Fastify();
  onTestFinished(() => app.close());
  app.get('/before', async () => ran.push('before'));
  await app.register(tokenward, { ...OPTIONS, ...options });
  app.get('/health', { config: { tokenward: 'public' } }, async () => ran.push('health'));
  app.get('/orders', { onRequest: app.guard(scope('orders:read')) }, async () => ran.push('orders'));
  app.get('/orders/:id(^\\d+$)', { preHandler: app.guard() }, async () => ran.push('order'));
  app.post('/maybe/:a-:b', { config: { tokenward: 'optional' } }, async () => ran.push('maybe'));
  await app.register(
    async (scoped) => {
      scoped.addHook('onRequest', app.guard(scope('admin')));
      scoped.delete('/users/:id', { config: { tokenward: scope('users:delete') } }, async () => ran.push('user'));
      scoped.get('/files/*', async () => ran.push('files'));
    },
    { prefix: '/admin' },
  );
  app.get('/silent', async () => ran.push('silent'));
  return app;
}

async function listOf(app: FastifyInstance): Promise<unknown[]> {
  const routes = await listRoutes(app);
  return routes
    .map(({ method, path, protection, policies }) => `${method} ${path} ${protection}${policies.map(({ words }) => ` ${words}`).join(',')}`)
    .toSorted();
}

test('rule 279: lists routes with guards in hooks, scopes and rules', async () => {
  expect(await listOf(await appOf())).toEqual([
    'DELETE /admin/users/:id required the scope `admin`, the scope `users:delete`',
    'GET /admin/files/* required the scope `admin`',
    'GET /before no-tokenward-guard',
    'GET /health no-tokenward-guard',
    'GET /orders required the scope `orders:read`',
    'GET /orders/:id(^\\d+$) required',
    'GET /silent no-tokenward-guard',
    'POST /maybe/:a-:b optional',
  ]);
});

test('rule 279: with protect: all, only what says so is open, and routes from before the plugin count', async () => {
  const list = await listOf(await appOf({ protect: 'all' }));
  expect(list.filter((line) => String(line).endsWith(' no-tokenward-guard'))).toEqual(['GET /health no-tokenward-guard']);
  expect(list).toContain('GET /before required');
});

test('rule 277: assertProtected names the open routes, by inject, and runs no other handler', async () => {
  const app = await appOf();
  const { message } = (await assertProtected(app, { except: ['* /health'] }).catch((thrown: Error) => thrown)) as Error;
  expect(message.match(/(?:GET|POST) [^\s']+/g)).toEqual(['GET /before', 'POST /maybe/:a-:b', 'GET /silent', 'GET /health']);
  expect(app.server.listening).toBe(false);
  expect(ran).toEqual(['before', 'maybe', 'silent']);
  ran.length = 0;
  await assertProtected(app, { except: ['* /health', 'GET /before', 'POST /maybe/:a-:b', 'GET /silent'] });
  expect(ran).toEqual([]);
});

test('rule 275: actAs(app) acts with inject, and the assertions read its answers', async () => {
  const app = await appOf();
  const as = actAs(app);
  expect((await app.inject({ url: '/orders', headers: { ...as({ scopes: ['orders:read'] }) } })).statusCode).toBe(200);
  await expectForbidden(app.inject({ url: '/orders', headers: { ...as({ scopes: ['other'] }) } }), { scopes: ['orders:read'] });
});

test('rule 277: a HEAD route of its own is listed and tried beside a guarded GET', async () => {
  const app = Fastify();
  onTestFinished(() => app.close());
  await app.register(tokenward, OPTIONS);
  app.head('/x', async () => 'open');
  app.get('/x', { onRequest: app.guard() }, async () => 'x');
  app.get('/y', { onRequest: app.guard() }, async () => 'y');
  expect(await listOf(app)).toEqual(['GET /x required', 'GET /y required', 'HEAD /x no-tokenward-guard']);
  await expect(assertProtected(app)).rejects.toThrow(/HEAD \/x .*answered 200 without a token/);
});

test('rule 277: a route for a version or a host is tried with it, and one that cannot be asked for is named', async () => {
  const app = Fastify({
    routerOptions: {
      constraints: {
        colour: { name: 'colour', storage: colours, deriveConstraint: (request: IncomingMessage) => request.headers['x-colour'], mustMatchWhenDerived: false },
      },
    },
  } as object);
  onTestFinished(() => app.close());
  await app.register(tokenward, OPTIONS);
  const guarded = { onRequest: app.guard() };
  const open = async (): Promise<string> => 'open';
  app.get('/x', { ...guarded, constraints: { version: '1.0.0' } }, open);
  app.get('/x', { constraints: { version: '2.0.0' } }, open);
  app.get('/x', guarded, open);
  app.get('/y', { ...guarded, constraints: { host: 'a.example.com' } }, open);
  app.get('/y', { constraints: { host: 'b.example.com' } }, open);
  app.get('/y', { ...guarded, constraints: { host: /^[cd]\.example\.com$/ } }, open);
  app.get('/z', { ...guarded, constraints: { colour: 'red' } }, open);
  const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
  expect(message.split('\n').slice(1, -1).toSorted()).toEqual([
    expect.stringMatching(/^ {2}GET \/x +answered 200 without a token \(no guard was found in front of it; only for version 2\.0\.0\)$/),
    expect.stringMatching(/^ {2}GET \/y +answered 200 without a token \(no guard was found in front of it; only for host b\.example\.com\)$/),
    expect.stringMatching(/^ {2}GET \/y +was not tried: .*only for host \/\^\[cd\]/),
    expect.stringMatching(/^ {2}GET \/z +was not tried: .*only for colour red/),
  ]);
  const routes = await listRoutes(app);
  expect(routes.map(({ path, protection, note }) => `${path} ${protection} ${note}`).toSorted()).toEqual([
    '/x no-tokenward-guard only for version 2.0.0',
    '/x required only for version 1.0.0',
    '/x required undefined',
    '/y no-tokenward-guard only for host b.example.com',
    expect.stringMatching(/^\/y required .*only for host \/\^\[cd\]/),
    '/y required only for host a.example.com',
    expect.stringMatching(/^\/z required .*only for colour red/),
  ]);
});

/** The routes of a constraint of the app's own. */
function colours(): { get(colour: string): unknown; set(colour: string, route: unknown): void } {
  const routes = new Map<string, unknown>();
  return { get: (colour) => routes.get(colour) ?? null, set: (colour, route) => void routes.set(colour, route) };
}

test("rule 277: a version that the app's own strategy reads is not asked for with a header of Fastify's", async () => {
  const version = {
    name: 'version',
    storage: colours,
    deriveConstraint: (request: IncomingMessage) => request.headers['x-version'],
    mustMatchWhenDerived: false,
  };
  const app = Fastify({ routerOptions: { constraints: { version } } } as object);
  onTestFinished(() => app.close());
  await app.register(tokenward, OPTIONS);
  app.get('/x', { onRequest: app.guard() }, async () => 'x');
  app.get('/x', { constraints: { version: '2.0.0' } }, async () => 'open');
  await expect(assertProtected(app)).rejects.toThrow(/GET \/x +was not tried: .*only for version 2\.0\.0/);
});
