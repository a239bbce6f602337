import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { getAuth, role, scope, tokenward } from '@tokenward/fastify';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { request as httpRequest } from 'node:http';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings = { issuer: issuer.issuer, audience: issuer.audience };
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a', subject: 'ada' })}` };
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

async function start(app: FastifyInstance): Promise<string> {
  const running = await listen(app);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = async (): Promise<object> => ({ ok: true });

describe('rule 149: encapsulation', () => {
  test('a plugin covers the scope in which it is registered and what is below, and not what is beside', async () => {
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

  test('a guard from outside serves in a scope below', async () => {
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

  test('two guards in one scope, under two names, keep to their own audiences', async () => {
    const app = Fastify();
    await app.register(tokenward, settings);
    await app.register(tokenward, { ...settings, audience: 'https://two.example.test', decorator: 'partnerGuard', property: 'partner' });
    const { partnerGuard } = app as unknown as { partnerGuard: typeof app.guard };
    app.get('/one', { onRequest: app.guard() }, ok);
    app.get('/two', { onRequest: partnerGuard() }, ok);
    app.get('/who', { onRequest: partnerGuard() }, async (request) => ({
      auth: request.auth ?? null,
      partner: (request as unknown as { partner: { subject: string } }).partner.subject,
    }));
    const origin = await start(app);
    expect([(await fetch(`${origin}/one`, { headers: good })).status, (await fetch(`${origin}/two`, { headers: good })).status]).toEqual([200, 401]);
    const partner = { authorization: `Bearer ${await issuer.issueToken({ audience: 'https://two.example.test' })}` };
    expect(await (await fetch(`${origin}/who`, { headers: partner })).json()).toEqual({ auth: null, partner: 'user-1' });
  });

  test('protect and failOnUnguarded are satisfied by another guard', async () => {
    const app = Fastify();
    await app.register(tokenward, { ...settings, audience: 'https://two.example.test', decorator: 'partnerGuard', property: 'partner' });
    await app.register(tokenward, { ...settings, protect: 'all', failOnUnguarded: true });
    const { partnerGuard } = app as unknown as { partnerGuard: typeof app.guard };
    app.get('/two', { onRequest: partnerGuard() }, ok);
    app.get('/config', { config: { tokenward: scope('a') } }, ok);
    const origin = await start(app);
    const partner = { authorization: `Bearer ${await issuer.issueToken({ audience: 'https://two.example.test' })}` };
    expect((await fetch(`${origin}/two`, { headers: partner })).status).toBe(200);
    expect((await fetch(`${origin}/config`, { headers: good })).status).toBe(200);
  });

  test('routes that were added before the plugin was there are guarded, too', async () => {
    const app = Fastify();
    void app.register(tokenward, { ...settings, protect: 'all' });
    app.get('/silent', ok);
    app.get('/scope', { config: { tokenward: scope('z') } }, ok);
    app.get('/public', { config: { tokenward: 'public' } }, ok);
    const origin = await start(app);
    await expectUnauthorized(await fetch(`${origin}/silent`));
    await expectForbidden(await fetch(`${origin}/scope`, { headers: good }), { scope: 'z' });
    expect((await fetch(`${origin}/public`)).status).toBe(200);
    expect((await fetch(`${origin}/nowhere`)).status).toBe(404);

    const strict = Fastify();
    void strict.register(tokenward, { ...settings, failOnUnguarded: true });
    const handler = vi.fn(ok);
    strict.get('/x', handler);
    expect((await fetch(`${await start(strict)}/x`)).status).toBe(500);
    expect(handler).not.toHaveBeenCalled();
  });

  test('a client that hangs up after a refusal reaches no handler', async () => {
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

  test('wrong options stop the start', async () => {
    await expect(Fastify().register(tokenward, { issuer: 'x', audience: '' }).ready()).rejects.toThrow(/2 things are wrong/);
    const app = Fastify();
    await app.register(tokenward, settings);
    expect(() => app.guard('a' as never)).toThrow(/not a policy/);
    for (const rule of ['orders:read', '', 'Public', null, false, 0, {}, []]) {
      expect(() => app.get('/x', { config: { tokenward: rule as never } }, ok)).toThrow(/GET \/x: has a config\.tokenward that is none of/);
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

describe('protect and failOnUnguarded', () => {
  test('with protect: all a route is open only if it says so', async () => {
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
    await expectForbidden(await fetch(`${origin}/scope`, { headers: good }), { scope: 'b' });
    await expectForbidden(await fetch(`${origin}/both`, { headers: good }));
    expect((await fetch(`${origin}/nowhere`)).status).toBe(404);
  });

  test('with failOnUnguarded a route that says nothing stops the start', async () => {
    const app = Fastify();
    await app.register(tokenward, { ...settings, failOnUnguarded: true });
    app.get('/a', { onRequest: app.guard() }, ok);
    app.get('/b', { config: { tokenward: 'public' } }, ok);
    expect(() => app.get('/c', ok)).toThrow(/GET \/c: has no guard/);
    expect(() => app.get('/d', { onRequest: async () => {} }, ok)).toThrow(/GET \/d: has no guard/);
  });
});

describe('rule 150: the place in the lifecycle', () => {
  test('HEAD twins of GET routes have their guard, by either way', async () => {
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

  test('a large upload without a token is refused before it is read', async () => {
    const app = Fastify({ bodyLimit: 200 * 1024 * 1024 });
    await app.register(tokenward, settings);
    const handler = vi.fn(ok);
    const parser = vi.fn((_request: unknown, _body: unknown, done: (error: null, body: unknown) => void) => done(null, {}));
    app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, parser as never);
    app.post('/upload', { onRequest: app.guard() }, handler);
    const { hostname, port } = new URL(await start(app));
    const headers = { 'content-length': 100 * 1024 * 1024, 'content-type': 'application/octet-stream' };
    const status = await new Promise((resolve, reject) => {
      const upload = httpRequest({ hostname, port, path: '/upload', method: 'POST', headers });
      upload.once('response', (response) => {
        response.resume();
        upload.destroy();
        resolve(response.statusCode);
      });
      upload.once('error', reject);
      upload.write(Buffer.alloc(1024));
    });
    expect(status).toBe(401);
    expect(parser).not.toHaveBeenCalled();
    expect(handler).not.toHaveBeenCalled();
  });

  test('not-found and error handlers behave as Fastify has them', async () => {
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

  test('inject is guarded as a socket is', async () => {
    const app = Fastify();
    await app.register(tokenward, settings);
    app.get('/x', { onRequest: app.guard(scope('a')) }, async (request) => ({ for: getAuth(request).subject }));
    onTestFinished(() => app.close());
    const refused = await app.inject('/x');
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, 'Bearer realm="api", scope="a"']);
    expect((await app.inject({ url: '/x', headers: good })).json()).toEqual({ for: 'ada' });
    expect((await app.inject({ url: '/x', headers: { authorization: 'Bearer x' } })).statusCode).toBe(401);
  });

  test('a WebSocket is refused before it opens', async () => {
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

test('rule 108: a preflight reaches what answers preflights, and no handler of a route that takes every method', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  app.addHook('onRequest', app.guard());
  await app.register(cors, { origin: 'https://app.example.test' });
  const handler = vi.fn(ok);
  app.all('/all', handler);
  app.get('/x', ok);
  const origin = await start(app);
  expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(204);
  expect((await fetch(`${origin}/all`, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(401);
  expect(handler).not.toHaveBeenCalled();
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

test('getAuth throws where no guard ran, and where the request is from nobody', async () => {
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
  expect(messages).toEqual([expect.stringContaining('no guard has authenticated'), expect.stringContaining('from nobody')]);
});

test('a request whose answer was sent while keys were fetched reaches no handler', async () => {
  const slow = await createTestIssuer();
  onTestFinished(() => slow.close());
  const slowly: typeof fetch = (...given) => new Promise((resolve) => setTimeout(() => resolve(fetch(...given)), 100));
  const app = Fastify();
  app.addHook('onRequest', (_request, reply, done) => {
    setTimeout(() => reply.raw.headersSent || reply.raw.writeHead(504).end(), 20);
    done();
  });
  await app.register(tokenward, { issuer: slow.issuer, audience: slow.audience, fetch: slowly });
  const handler = vi.fn(ok);
  app.get('/', { onRequest: app.guard() }, handler);
  const origin = await start(app);
  const headers = { authorization: `Bearer ${await slow.issueToken()}` };
  expect((await fetch(origin, { headers })).status).toBe(504);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(handler).not.toHaveBeenCalled();
  expect((await fetch(origin, { headers })).status).toBe(200);
});
