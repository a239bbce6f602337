import { runInThisContext } from 'node:vm';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { createTestIssuer } from '@tokenward/testing';
import { tokenward, type FastifyGuardOptions, type Guard } from '@tokenward/fastify';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

type Build = (app: FastifyInstance, guard: Guard) => void;

async function refusalOf(build: Build, options: Partial<FastifyGuardOptions> = {}): Promise<{ status: number; answer: string }> {
  const app = Fastify();
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, ...options });
  build(app, app.guard());
  const { statusCode, headers, body } = await app.inject({ url: '/', headers: { authorization: 'Bearer a.b.c' } });
  await app.close();
  return { status: statusCode, answer: JSON.stringify(headers) + body };
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

test("rule 157: the handler's serializer does not write the refusal", async () => {
  const { status, answer } = await refusalOf((app, guard) => {
    app.get('/', async (request, reply) => {
      reply.serializer((body) => `secret ${String(body)}`);
      await guard(request, reply);
      return {};
    });
  });
  expect(status).toBe(401);
  expect(answer).not.toContain('secret');
});

for (const when of ['before', 'after'] as const) {
  test(`rule 157: what a handler sets ${when} it calls the guard does not change the answer of a late onDenied`, async () => {
    const onDenied: FastifyGuardOptions['onDenied'] = async (_decision, _request, reply) => {
      reply.code(418);
      await later();
      return reply.send({ mine: true });
    };
    const { status, answer } = await refusalOf(
      (app, guard) => {
        app.get('/', async (request, reply) => {
          const careless = (): unknown => reply.code(200).serializer((body) => `secret ${JSON.stringify(body)}`);
          if (when === 'before') careless();
          void guard(request, reply);
          if (when === 'after') careless();
          await new Promise(setImmediate);
          if (when === 'after') careless();
          return 'secret';
        });
      },
      { onDenied },
    );
    expect(status).toBe(418);
    expect(answer).toContain('{"mine":true}');
    expect(answer).not.toContain('secret');
  });
}

const READ = { config: { tokenward: 'required' } } as const;
const LOSSES: Record<string, (hooks: unknown[]) => unknown> = {
  'replaces the hook with an empty list': () => [],
  'replaces the hook with undefined': () => undefined,
  'wraps every hook': (hooks) =>
    hooks.map(
      (hook) =>
        async (...given: unknown[]) =>
          (hook as (...all: unknown[]) => unknown)(...given),
    ),
};
for (const [name, lose] of Object.entries(LOSSES)) {
  for (const [kind, slot, options, route] of [
    ['protect: all', 'onRequest', { protect: 'all' }, {}],
    ['config.tokenward', 'onRequest', {}, READ],
    ['a guard given as onRequest', 'onRequest', {}, undefined],
    ['a guard given as preHandler', 'preHandler', {}, undefined],
  ] as const) {
    test(`rule 176: does not start if another plugin's onRoute ${name}, with ${kind}`, async () => {
      const app = Fastify();
      await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, ...options });
      app.addHook('onRoute', (added) => void Object.assign(added, { config: {}, [slot]: lose([added[slot] ?? []].flat()) }));
      app.get('/', route ?? { [slot]: app.guard() }, async () => 'secret');
      await expect(app.ready()).rejects.toThrow(`GET /: has lost the guard in its ${slot}`);
      await app.close();
    });
  }
}

test('rule 176: does not start if only the HEAD twin loses its guard', async () => {
  const app = Fastify();
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
  app.addHook('onRoute', (added) => void (added.method === 'HEAD' && Object.assign(added, { onRequest: [] })));
  app.get('/', READ, async () => 'secret');
  await expect(app.ready()).rejects.toThrow('HEAD /: has lost the guard in its onRequest');
  await app.close();
});

test("rule 176: an onRoute hook that was added earlier does not remove a rule's guard", async () => {
  const app = Fastify();
  app.addHook('onRoute', (added) => void Object.assign(added, { onRequest: [] }));
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
  app.get('/', READ, async () => 'secret');
  expect((await app.inject('/')).statusCode).toBe(401);
  expect((await app.inject({ url: '/', method: 'HEAD' })).statusCode).toBe(401);
  await app.close();
});

test('rule 176: a guard that is moved to another hook before the handler still decides', async () => {
  const { status, answer } = await refusalOf((app) => {
    app.addHook('onRoute', (added) => void Object.assign(added, { preHandler: added.onRequest, onRequest: [] }));
    app.get('/', READ, async () => 'secret');
  });
  expect(status).toBe(401);
  expect(answer).not.toContain('secret');
});

test("rule 157: code outside node_modules in a file named like Fastify's hooks lets no preflight pass", async () => {
  const call = runInThisContext('(guard, app, request, reply, done) => void guard.call(app, request, reply, done)', {
    filename: '/srv/fastify/lib/hooks.js',
  }) as (...given: unknown[]) => void;
  const app = Fastify();
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
  const guard = app.guard();
  app.options('/', (request, reply) => call(guard, app, request, reply, () => void reply.send('secret')));
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
  expect((await app.inject({ url: '/', method: 'OPTIONS', headers })).statusCode).toBe(401);
  await app.close();
});

for (const hook of ['preSerialization', 'onSend', 'onError', 'onResponse', 'onTimeout', 'onRequestAbort']) {
  test(`rule 160: throws for a route with a guard in ${hook}`, async () => {
    const app = Fastify();
    await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
    expect(() => app.get('/', { [hook]: app.guard() }, async () => 'secret')).toThrow(`GET /: has a guard in ${hook}`);
    await app.close();
  });
}

for (const hook of ['preSerialization', 'onSend', 'onError', 'onResponse', 'onTimeout', 'onRequestAbort']) {
  test(`rule 177: does not start with a guard in the ${hook} hook of the app or of a child scope`, async () => {
    const app = Fastify();
    await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
    expect(() => app.addHook(hook as never, app.guard() as never)).toThrow(`app.addHook('${hook}', ...): has a guard`);
    app.register(async (scope) => void scope.addHook(hook as never, scope.guard() as never));
    await expect(app.ready()).rejects.toThrow(`app.addHook('${hook}', ...): has a guard`);
    await app.close();
  });
}

test('rule 177: does not start if the guard of a child scope is in the onResponse hook of the app', async () => {
  const app = Fastify();
  app.register(async (scope) => {
    await scope.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
    app.addHook('onResponse', scope.guard());
  });
  await expect(app.ready()).rejects.toThrow("app.addHook('onResponse', ...): has a guard");
  await app.close();
});
