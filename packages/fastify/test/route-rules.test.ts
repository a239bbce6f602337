import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import { claim, scope, tokenward } from '@tokenward/fastify';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings = { issuer: issuer.issuer, audience: issuer.audience };
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], claims: { tenant: 'acme' } })}` };

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = async (): Promise<object> => ({ ok: true });

/** Does what plugins for aliases and versions do: adds each route once more under another path. */
function addAliases(app: FastifyInstance, copy: (route: RouteOptions) => object): void {
  app.addHook('onRoute', function alias(route) {
    if (route.url.startsWith('/v1') || route.method === 'HEAD') return;
    app.route({ method: route.method, handler: route.handler, url: `/v1${route.url}`, ...copy(route) } as RouteOptions);
  });
}

test.each([
  ['its configuration', ({ config }: RouteOptions) => ({ config })],
  ['a copy of its configuration', ({ config }: RouteOptions) => ({ config: { ...config } })],
  ['its configuration and hooks', ({ config, onRequest }: RouteOptions) => ({ config, onRequest })],
  ['all its options', (route: RouteOptions) => ({ ...route, url: `/v1${route.url}` })],
])('rule 160: guards a route that is added once more with %s', async (_what, copy) => {
  const app = Fastify();
  await app.register(tokenward, { ...settings, protect: 'all' });
  addAliases(app, copy);
  app.get('/silent', ok);
  app.get('/scope', { config: { tokenward: scope('b') } }, ok);
  app.get('/public', { config: { tokenward: 'public' } }, ok);
  const origin = await start(app);
  for (const prefix of ['', '/v1']) {
    await expectUnauthorized(await fetch(`${origin}${prefix}/silent`));
    expect((await fetch(`${origin}${prefix}/silent`, { headers: good })).status).toBe(200);
    await expectForbidden(await fetch(`${origin}${prefix}/scope`, { headers: good }), { scopes: ['b'] });
    expect((await fetch(`${origin}${prefix}/public`)).status).toBe(200);
  }
});

test('rule 160: failOnUnguarded sees a copied route that has no guard', async () => {
  const app = Fastify();
  await app.register(tokenward, { ...settings, failOnUnguarded: true });
  addAliases(app, ({ config }) => ({ config }));
  expect(() => app.get('/orders', { onRequest: app.guard() }, ok)).toThrow(/GET \/v1\/orders: has no guard/);
});

test.each(['tokenwad', 'tokenWard', 'Tokenward', 'token-ward', 'tokenwards', 'tokeward', 'tokenguard'])(
  'rule 158: throws for config.%s and suggests config.tokenward',
  async (key) => {
    const app = Fastify();
    await app.register(tokenward, settings);
    expect(() => app.get('/x', { config: { [key]: 'required' } as never }, ok)).toThrow(
      `has config.${key}, which nobody reads: did you mean config.tokenward?`,
    );
    expect(() => app.get('/y', { config: { token: 'x', forward: true, rateLimit: {} } as never }, ok)).not.toThrow();
  },
);

test('rule 158: does not start with a rule if no plugin has the decorator "guard", which reads rules', async () => {
  const partner = { ...settings, decorator: 'partnerGuard', property: 'partner' } as const;
  const app = Fastify();
  await app.register(tokenward, partner);
  app.get('/x', { config: { tokenward: 'required' } }, ok);
  await expect(app.ready()).rejects.toThrow(
    /GET \/x; HEAD \/x: has a config\.tokenward, which only a plugin with the decorator "guard" reads, and the one here has "partnerGuard"/,
  );

  const both = Fastify();
  await both.register(tokenward, partner);
  await both.register(tokenward, settings);
  both.get('/x', { config: { tokenward: 'required' } }, ok);
  await expectUnauthorized(await fetch(`${await start(both)}/x`));

  const late = Fastify();
  void late.register(tokenward, partner);
  const handler = vi.fn(ok);
  late.get('/x', { config: { tokenward: 'required' } }, handler);
  expect((await fetch(`${await start(late)}/x`)).status).toBe(500);
  expect(handler).not.toHaveBeenCalled();
});

test.each([
  ['a scope', async (app: FastifyInstance, found: (scope: FastifyInstance) => void) => void (await app.register(async (child) => found(child)))],
  [
    'a nested scope',
    async (app: FastifyInstance, found: (scope: FastifyInstance) => void) =>
      void (await app.register(async (child) => void (await child.register(async (grandchild) => found(grandchild))))),
  ],
])('rule 158: covers a route that is added after the plugin to %s opened before it', async (_what, createScope) => {
  for (const options of [{ protect: 'all' }, {}, { failOnUnguarded: true }] as const) {
    const app = Fastify();
    let child: FastifyInstance | undefined;
    await createScope(app, (scopeOfApp) => (child = scopeOfApp));
    await app.register(tokenward, { ...settings, ...options });
    const handler = vi.fn(ok);
    child!.get('/silent', handler);
    child!.get('/ruled', { config: { tokenward: 'required' } }, handler);
    child!.get('/public', { config: { tokenward: 'public' } }, ok);
    const origin = await start(app);
    await expectUnauthorized(await fetch(`${origin}/ruled`));
    expect((await fetch(`${origin}/public`)).status).toBe(200);
    if ('protect' in options) await expectUnauthorized(await fetch(`${origin}/silent`));
    if ('failOnUnguarded' in options) expect((await fetch(`${origin}/silent`)).status).toBe(500);
    if ('protect' in options || 'failOnUnguarded' in options) expect(handler).not.toHaveBeenCalled();
  }
});

test.each([
  ['replaces the configuration', (route: RouteOptions) => (route.config = { tokenward: 'required' })],
  ['copies the configuration', (route: RouteOptions) => (route.config = { ...route.config, tokenward: 'required' })],
  ['changes the configuration', (route: RouteOptions) => (route.config!.tokenward = 'required')],
])('rule 158: does not start if a later onRoute hook %s to add a rule', async (_what, change) => {
  for (const tokenwardConfig of [undefined, 'public'] as const) {
    const app = Fastify();
    await app.register(tokenward, settings);
    app.addHook('onRoute', (route) => void change(route));
    app.get('/x', { config: { tokenward: tokenwardConfig } }, ok);
    await expect(app.ready()).rejects.toThrow(/(?:GET|HEAD) \/x: got its config\.tokenward after @tokenward\/fastify had read it/);
  }

  const inOrder = Fastify();
  inOrder.addHook('onRoute', (route) => {
    route.config ??= {};
    change(route);
  });
  await inOrder.register(tokenward, settings);
  inOrder.get('/x', ok);
  await expectUnauthorized(await fetch(`${await start(inOrder)}/x`));
});

test('rule 158: throws for a value that is not a policy', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  const odd: [unknown, RegExp][] = [
    [app.guard(), /is a guard/],
    [app.guard, /is a guard|is a function of 0 parameters/],
    [scope, /is scope itself. Call it/],
    [claim, /is claim itself. Call it/],
    [() => scope('a'), /is a function of 0 parameters/],
    [(_request: unknown, _reply: unknown, done: () => void) => done(), /is a function of 3 parameters/],
  ];
  for (const [value, message] of odd) {
    expect(() => app.guard(value as never)).toThrow(message);
    expect(() => app.get('/x', { config: { tokenward: value as never } }, ok)).toThrow(message);
  }
});

test('rule 159: makes a policy from each request, and refuses with 403 if the function throws or returns no policy', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  app.get('/tenants/:tenant', { onRequest: app.guard((request) => claim('tenant', request.params['tenant']!)) }, ok);
  app.get('/config/:tenant', { config: { tokenward: (request) => claim('tenant', (request.params as { tenant: string }).tenant) } }, ok);
  app.get('/files/:tenant/:file', { onRequest: app.guard((request) => claim('tenant', request.params['tenant']!)) }, ok);
  for (const [name, make] of Object.entries<() => unknown>({
    throws: (): never => {
      throw new Error('out of order');
    },
    answersNothing: () => undefined,
    answersTrue: () => true,
    answersLater: async () => Promise.reject(new Error('late')),
  })) {
    app.get(`/${name}`, { onRequest: app.guard(((_request: unknown) => make()) as never) }, ok);
  }
  const origin = await start(app);
  for (const path of ['/tenants/acme', '/tenants/%61cme', '/config/acme', '/files/acme/a%2Fb']) {
    await expectUnauthorized(await fetch(`${origin}${path}`));
    expect((await fetch(`${origin}${path}`, { headers: good })).status).toBe(200);
  }
  for (const path of [
    '/tenants/globex',
    '/tenants/ACME',
    '/config/globex',
    '/files/acme/..%2f..%2fglobex',
    '/throws',
    '/answersNothing',
    '/answersTrue',
    '/answersLater',
  ]) {
    await expectForbidden(await fetch(`${origin}${path}`, { headers: good }));
    await expectUnauthorized(await fetch(`${origin}${path}`));
  }
});

test.each([[[]], [() => {}], [{}], [new Headers()]])('rule 158: check() throws for an object without headers: %s', async (given) => {
  const app = Fastify();
  onTestFinished(() => app.close());
  await app.register(tokenward, settings);
  expect(() => app.guard.check(given as never)).toThrow(/guard\.check\(.*framework's request/);
});
