import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { getAuth, scope, tokenward, type Deny } from '@tokenward/fastify';
import type { ResponseHeaders } from '@tokenward/core';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { request as httpRequest } from 'node:http';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings = { issuer: issuer.issuer, audience: issuer.audience };
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], subject: 'ada' })}` };

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = async (): Promise<object> => ({ ok: true });

describe('rule 149: encapsulation', () => {
  test('protects the scope in which the plugin is registered and its child scopes, and no other', async () => {
    const app = Fastify();
    app.get('/beside', ok);
    await app.register(async (inner) => {
      await inner.register(tokenward, { ...settings, protect: 'all' });
      inner.get('/inner', ok);
      await inner.register(async (deeper) => void deeper.get('/deeper', ok));
    });
    app.get('/later', ok);
    const origin = await start(app);
    for (const path of ['/inner', '/deeper']) await expectUnauthorized(await fetch(`${origin}${path}`));
    for (const path of ['/beside', '/later']) expect((await fetch(`${origin}${path}`)).status).toBe(200);
    expect((await fetch(`${origin}/deeper`, { headers: good })).status).toBe(200);
    expect(app.hasDecorator('guard')).toBe(false);
  });

  test('a child scope can use the guard of its parent', async () => {
    const app = Fastify();
    await app.register(tokenward, settings);
    await app.register(async (inner) => {
      inner.addHook('onRequest', inner.guard());
      inner.get('/x', { onRequest: inner.guard(scope('a')) }, async (request) => ({ for: getAuth(request).subject }));
    });
    app.get('/open', async (request) => ({ auth: request.auth ?? null }));
    const origin = await start(app);
    await expectUnauthorized(await fetch(`${origin}/x`));
    expect(await (await fetch(`${origin}/x`, { headers: good })).json()).toEqual({ for: 'ada' });
    expect(await (await fetch(`${origin}/open`, { headers: good })).json()).toEqual({ auth: null });
  });

  test('runs no handler for a refused client that disconnects', async () => {
    for (const denied of [
      undefined,
      () => {},
      (decision: { status: number }, _request: unknown, reply: { code(status: number): { send(): void } }) =>
        void setTimeout(() => reply.code(decision.status).send(), 150),
    ]) {
      const app = Fastify();
      await app.register(tokenward, { ...settings, onDenied: denied as never });
      app.addHook('onSend', (_request, _reply, payload, done) => void setTimeout(() => done(null, payload), 150));
      const handler = vi.fn(ok);
      app.delete('/x', { onRequest: app.guard() }, handler);
      app.get('/y', { config: { tokenward: 'required' } }, handler);
      const origin = await start(app);
      for (const [method, path] of [['DELETE', '/x'], ['GET', '/y']]) await expect(fetch(`${origin}${path}`, { method: method!, signal: AbortSignal.timeout(60) })).rejects.toThrow(); // prettier-ignore
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(handler).not.toHaveBeenCalled();
    }
  });

  test('does not start with invalid options, policies or rules', async () => {
    await expect(Fastify().register(tokenward, { issuer: 'x', audience: '' }).ready()).rejects.toThrow(/2 invalid options/);
    const app = Fastify();
    await app.register(tokenward, settings);
    expect(() => app.guard('a' as never)).toThrow(/not a policy/);
    for (const rule of ['orders:read', '', 'Public', null, false, 0, {}, []]) {
      expect(() => app.get('/x', { config: { tokenward: rule as never } }, ok)).toThrow(/GET \/x: has a config\.tokenward that is not 'public'/);
    }
    expect(() => app.get('/y', { config: { tokenward: [undefined] as never } }, ok)).toThrow(/not a policy/);
    expect(() => app.get('/z', { onRequest: app.guard.optional(), config: { tokenward: 'required' } }, ok)).toThrow(
      /GET \/z: has a guard in onRequest and config\.tokenward/,
    );
    for (const odd of [
      { protect: true },
      { protect: 'All' },
      { protect: ['all'] },
      { failOnUnguarded: 'yes' },
      { decorator: '' },
      { decorator: '__proto__' },
      { decorator: 7 },
      { property: 'routeOptions' },
    ]) {
      await expect(
        Fastify()
          .register(tokenward, { ...settings, ...odd } as never)
          .ready(),
      ).rejects.toThrow(/protect|failOnUnguarded|decorator|property/);
    }
  });
});

describe('rule 150: lifecycle', () => {
  test('guards the HEAD twins of GET routes, with onRequest and with config', async () => {
    const app = Fastify({ exposeHeadRoutes: true });
    await app.register(tokenward, settings);
    app.get('/a', { onRequest: app.guard() }, ok);
    app.get('/b', { config: { tokenward: 'required' } }, ok);
    const origin = await start(app);
    for (const path of ['/a', '/b']) {
      expect((await fetch(`${origin}${path}`, { method: 'HEAD' })).status).toBe(401);
      expect((await fetch(`${origin}${path}`, { method: 'HEAD', headers: good })).status).toBe(200);
    }
  });

  test('keeps the not-found and error handlers of the app', async () => {
    const app = Fastify();
    await app.register(tokenward, { ...settings, onDenied: () => Promise.reject(undefined) }); // eslint-disable-line typescript/prefer-promise-reject-errors -- users do
    app.setNotFoundHandler({ preHandler: async () => {} }, async (_request, reply) => reply.code(404).send({ mine: true }));
    app.setErrorHandler(async (error, _request, reply) => reply.code(500).send({ message: (error as Error).message }));
    const handler = vi.fn(ok);
    app.get('/x', { onRequest: app.guard() }, handler);
    const origin = await start(app);
    expect(await (await fetch(`${origin}/nowhere`)).json()).toEqual({ mine: true });
    expect((await fetch(`${origin}/x`)).status).toBe(500);
    expect(handler).not.toHaveBeenCalled();
  });

  test('a guard in addHook also protects the 404 of its scope', async () => {
    const app = Fastify();
    await app.register(tokenward, settings);
    app.addHook('onRequest', app.guard());
    const origin = await start(app);
    await expectUnauthorized(await fetch(`${origin}/nowhere`));
    expect((await fetch(`${origin}/nowhere`, { headers: good })).status).toBe(404);
  });

  test('a refusal that onDenied throws keeps its status and headers', async () => {
    const app = Fastify();
    await app.register(tokenward, {
      ...settings,
      onDenied(decision) {
        throw Object.assign(new Error(decision.body.title), { statusCode: decision.status, headers: decision.headers, decision });
      },
    });
    const handler = vi.fn(ok);
    app.get('/x', { onRequest: app.guard(scope('b')) }, handler);
    await app.register(async (own) => {
      own.setErrorHandler(async (error: { statusCode: number; headers: ResponseHeaders; decision: Deny }, _request, reply) => {
        return reply.code(error.statusCode).headers(error.headers).type('application/problem+json').send(JSON.stringify(error.decision.body));
      });
      own.get('/own', { onRequest: own.guard(scope('b')) }, handler);
    });
    const origin = await start(app);
    const byFastify = await fetch(`${origin}/x`);
    expect([byFastify.status, byFastify.headers.get('www-authenticate'), byFastify.headers.get('cache-control')]).toEqual([
      401,
      expect.stringMatching(/^Bearer realm="api", scope="b", DPoP realm=/),
      'no-store',
    ]);
    expect(await byFastify.json()).toEqual({ statusCode: 401, error: 'Unauthorized', message: 'Unauthorized' });
    await expectForbidden(await fetch(`${origin}/own`, { headers: good }), { scopes: ['b'] });
    expect(handler).not.toHaveBeenCalled();
  });

  test('guards app.inject() like a request over a socket', async () => {
    const app = Fastify();
    await app.register(tokenward, settings);
    app.get('/x', { onRequest: app.guard(scope('a')) }, async (request) => ({ for: getAuth(request).subject }));
    onTestFinished(() => app.close());
    const refused = await app.inject('/x');
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([
      401,
      ['Bearer realm="api", scope="a"', expect.stringMatching(/^DPoP realm="api", scope="a", algs=/)],
    ]);
    expect((await app.inject({ url: '/x', headers: good })).json()).toEqual({ for: 'ada' });
    expect((await app.inject({ url: '/x', headers: { authorization: 'Bearer x' } })).statusCode).toBe(401);
  });

  test('refuses a WebSocket before it opens', async () => {
    const app = Fastify();
    await app.register(websocket);
    await app.register(tokenward, settings);
    const opened = vi.fn();
    await app.register(async (inner) => {
      inner.get('/socket', { websocket: true, onRequest: inner.guard() }, (socket, request) => {
        opened(getAuth(request).subject);
        socket.send('open');
      });
    });
    const origin = await start(app);
    const { hostname, port } = new URL(origin);
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const statusOf = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpRequest({ hostname, port, path: '/socket', headers: { ...upgrade, ...headers } });
        request.once('response', (response) => {
          response.destroy();
          resolve(response.statusCode);
        });
        request.once('upgrade', (response, socket) => {
          socket.destroy();
          resolve(response.statusCode);
        });
        request.once('error', reject).end();
      });
    expect(await statusOf({})).toBe(401);
    expect(opened).not.toHaveBeenCalled();
    expect(await statusOf(good)).toBe(101);
    expect(opened).toHaveBeenCalledWith('ada');
  });
});

test('the origin follows trustProxy', async () => {
  const built: string = '../dist/view.js';
  const { view } = (await import(built)) as { view: (request: object) => { origin: string | undefined } };
  for (const trustProxy of [false, true]) {
    const app = Fastify({ trustProxy });
    app.get('/x', async (request) => ({ origin: view(request).origin ?? null }));
    const origin = await start(app);
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.test' };
    expect(await (await fetch(`${origin}/x`, { headers })).json()).toEqual({ origin: trustProxy ? 'https://api.example.test' : origin });
  }
});

test('getAuth throws if no guard ran, and for an anonymous request', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  const messages: string[] = [];
  app.setErrorHandler(async (error, _request, reply) => {
    messages.push((error as Error).message);
    return reply.code(500).send({});
  });
  app.get('/none', async (request) => ({ for: getAuth(request).subject }));
  app.get('/nobody', { onRequest: app.guard.optional() }, async (request) => ({ for: getAuth(request).subject }));
  const origin = await start(app);
  expect([(await fetch(`${origin}/none`)).status, (await fetch(`${origin}/nobody`)).status]).toEqual([500, 500]);
  expect(messages).toEqual([
    expect.stringContaining('no guard has authenticated'),
    expect.stringContaining("nobody is authenticated: this route does not require an access token. Write getAuth(..., 'optional')"),
  ]);
});
