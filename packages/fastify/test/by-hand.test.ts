import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { createTestIssuer } from '@tokenward/testing';
import { tokenward, type FastifyGuardOptions, type Guard } from '@tokenward/fastify';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

type Build = (app: FastifyInstance, guard: Guard) => void;

async function refusalOf(build: Build, options: Partial<FastifyGuardOptions> = {}): Promise<{ status: number; told: string }> {
  const app = Fastify();
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, ...options });
  build(app, app.guard());
  const { statusCode, headers, body } = await app.inject({ url: '/', headers: { authorization: 'Bearer a.b.c' } });
  await app.close();
  return { status: statusCode, told: JSON.stringify(headers) + body };
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));
const lateDenial: Partial<FastifyGuardOptions> = {
  onDenied: async ({ status }, _request, reply) => {
    await later();
    return reply.code(status).send({ mine: true });
  },
};

for (const [name, options] of [
  ['by default', {}],
  ['with an onDenied that answers later', lateDenial],
] as const) {
  test(`rule 157: what a careless handler sets on its reply does not go out with a refusal, ${name}`, async () => {
    const { status, told } = await refusalOf((app, guard) => {
      app.get('/', async (request, reply) => {
        void guard(request, reply);
        return reply.header('x-secret', 'secret').header('set-cookie', 'id=secret').send('secret');
      });
    }, options);
    expect(status).toBe(401);
    expect(told).not.toContain('secret');
  });

  test(`rule 157: guard.refuse that is not awaited is answered, and nothing else is, ${name}`, async () => {
    const { status, told } = await refusalOf((app) => {
      app.get('/', async (request, reply) => {
        const decision = await app.guard.check(request);
        if (decision.outcome === 'deny') void app.guard.refuse(decision, request, reply);
        return 'secret';
      });
    }, options);
    expect(status).toBe(401);
    expect(told).not.toContain('secret');
  });
}

test('rule 157: a serializer of the handler does not write the refusal', async () => {
  const { status, told } = await refusalOf((app, guard) => {
    app.get('/', async (request, reply) => {
      reply.serializer((body) => `secret ${String(body)}`);
      await guard(request, reply);
      return {};
    });
  });
  expect(status).toBe(401);
  expect(told).not.toContain('secret');
});

for (const hook of ['preSerialization', 'onSend', 'onError', 'onResponse', 'onTimeout', 'onRequestAbort']) {
  test(`rule 160: a guard of a route that is given as ${hook} stops the start`, async () => {
    const app = Fastify();
    await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
    expect(() => app.get('/', { [hook]: app.guard() }, async () => 'secret')).toThrow(`GET /: has a guard in ${hook}`);
    await app.close();
  });
}
