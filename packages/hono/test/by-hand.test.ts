import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context } from 'hono';
import { every } from 'hono/combine';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { createGuard, getAuth, scope, type HonoGuard, type HonoGuardOptions } from '@tokenward/hono';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());
const good = await issuer.issueToken({ scopes: ['a'], subject: 'ada' });
const wrong = await issuer.issueToken({ scopes: ['b'] });
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
afterAll(() => expect(unhandled).toEqual([]));

function newGuard(options: HonoGuardOptions = {}): HonoGuard {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

interface Askable {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** Asks an app without a server, as tests of Hono apps do. */
async function ask(app: Askable, token?: string, init: RequestInit = {}): Promise<Response> {
  return app.request('/x', { ...init, headers: { ...(init.headers as object), ...(token !== undefined && { authorization: `Bearer ${token}` }) } });
}

describe('a guard that is called by hand', () => {
  test('rule 227: throws a refusal as an HTTPException with the response, so that nothing after the await runs', async () => {
    const guard = newGuard();
    const caught: unknown[] = [];
    let ran = 0;
    const app = new Hono();
    app.use(async (c, next) => {
      try {
        await guard(scope('a'))(c);
      } catch (error) {
        caught.push(error);
        throw error;
      }
      ran++;
      await next();
    });
    app.get('/x', (c) => c.text(getAuth(c).subject!));
    await expectForbidden(await ask(app, wrong), { scopes: ['a'] });
    await expectUnauthorized(await ask(app), { scopes: ['a'] });
    expect(ran).toBe(0);
    expect(caught.every((error) => error instanceof HTTPException)).toBe(true);
    expect(caught.map((error) => (error as HTTPException).status)).toEqual([403, 401]);
    expect(String(caught[0])).not.toContain(wrong);
    expect(await (await ask(app, good)).text()).toBe('ada');
    expect(ran).toBe(1);
  });

  test('rule 227: an onError of the app sees the refusals of guards called by hand only', async () => {
    const guard = newGuard();
    for (const [isByHand, status] of [
      [true, 500],
      [false, 403],
    ] as const) {
      const app = new Hono();
      app.onError((_error, c) => c.text('mine', 500));
      app.get('/x', isByHand ? (c, next) => guard(scope('a'))(c).then(next) : guard(scope('a')), (c) => c.text('ran'));
      expect((await ask(app, wrong)).status).toBe(status);
    }
  });

  test('rule 227: a guard in an app with an onError of its own, in apps in apps, counts as called by Hono', async () => {
    const guard = newGuard();
    const inner = new Hono();
    inner.onError((_error, c) => c.text('mine', 500));
    inner.get('/x', guard(scope('a')), (c) => c.text('ran'));
    const middle = new Hono();
    middle.onError((_error, c) => c.text('mine too', 500));
    middle.route('/', inner);
    const app = new Hono().route('/', middle);
    await expectForbidden(await ask(app, wrong), { scopes: ['a'] });
    expect(await (await ask(app, good)).text()).toBe('ran');
  });

  test('rule 157: a refusal that nobody waits for ends no process', async () => {
    const guard = newGuard();
    await guard.warm();
    const app = new Hono();
    app.get('/x', (c) => {
      void guard(scope('a'))(c);
      return c.text('careless');
    });
    await ask(app, wrong);
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  test('rule 157: throws for anything but a context, and for anything but a policy', () => {
    const guard = newGuard();
    const odd = guard() as unknown as (...given: unknown[]) => unknown;
    for (const given of [undefined, null, {}, new Request('https://a.test'), 'GET', { req: { raw: {} } }])
      expect(() => odd(given)).toThrow(/was called without a context/);
    for (const policy of [undefined, 'a', guard(), scope]) expect(() => (guard as unknown as typeof odd)(policy)).toThrow(/argument 1/);
    const app = new Hono();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    app.use(guard as never);
    return expect(ask(app, good).then(({ status }) => status)).resolves.toBe(500);
  });
});

describe('preflights', () => {
  test('rule 223: pass a guard in front of the app, and no other', async () => {
    const guard = newGuard();
    const asked = (app: Askable) => ask(app, undefined, { method: 'OPTIONS', headers: PREFLIGHT });
    const handler = (c: Context) => c.text('ran');
    await expectUnauthorized(await asked(new Hono().all('/x', guard(), handler)));
    await expectUnauthorized(await asked(new Hono().use(guard()).all('/x', handler)));
    expect(await (await asked(new Hono().use(guard.inFront()).options('/x', handler))).text()).toBe('ran');
    await expectUnauthorized(await asked(new Hono().use(guard.inFront()).all('/x', guard(), handler)));
    const withCors = new Hono().use(cors({ origin: 'https://app.example.test' })).use(guard());
    expect((await asked(withCors)).status).toBe(204);
    const refused = await ask(withCors, undefined, { headers: PREFLIGHT });
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example.test');
    await expectUnauthorized(refused);
  });
});

describe('the answer', () => {
  test('rule 224: keeps what others set for it, but no cache may keep a refusal, nor a cookie of a session', async () => {
    const token = await issuer.issueToken({ scopes: ['a'] });
    const session = { [SESSION_CREDENTIALS]: () => ({ token, headers: { 'set-cookie': '__Host-session=1; Secure' } }) };
    const guard = newGuard({ session });
    const app = new Hono();
    app.use(async (c, next) => {
      c.res.headers.append('set-cookie', 'mine=1');
      c.res.headers.set('cache-control', 'public, max-age=60');
      c.header('x-mine', '1');
      await next();
    });
    app.get('/x', guard(scope('never')), (c) => c.text('ran'));
    app.get('/y', guard(), () => Response.redirect('https://api.example.test/z', 302));
    app.get('/z', guard(), (c) => c.text('ran', 200, { 'cache-control': 'public', 'cdn-cache-control': 'max-age=60' }));
    for (const [path, status] of [
      ['/x', 403],
      ['/y', 302],
      ['/z', 200],
    ] as const) {
      const { headers, status: answered } = await app.request(path, { headers: { cookie: '__Host-session=0' } });
      expect(
        [answered, headers.getSetCookie().toSorted(), headers.get('cache-control'), headers.get('cdn-cache-control'), headers.get('x-mine')],
        path,
      ).toEqual([status, ['__Host-session=1; Secure', 'mine=1'], 'no-store', null, '1']);
    }
  });

  test('has the type of a problem, whatever middleware said about the type of its own answer', async () => {
    const app = new Hono();
    app.use(async (c, next) => {
      c.header('content-type', 'text/html');
      c.header('content-length', '3');
      c.header('etag', '"x"');
      await next();
    });
    app.use(newGuard()());
    const { headers } = await ask(app);
    expect([headers.get('content-type'), headers.get('content-length'), headers.get('etag')]).toEqual(['application/problem+json', null, null]);
  });

  test('refuse() returns the answer, also that of onDenied', async () => {
    const app = new Hono();
    const guard = newGuard({ onDenied: ({ status }, c) => c.text('mine', status) });
    app.get('/x', async (c) => {
      const decision = await guard.check(c, scope('a'));
      return decision.outcome === 'deny' ? guard.refuse(decision, c) : c.text(getAuth(c).subject!);
    });
    const refused = await ask(app, wrong);
    expect([refused.status, await refused.text()]).toEqual([403, 'mine']);
    expect(await (await ask(app, good)).text()).toBe('ada');
    expect(() => guard.refuse({ outcome: 'deny' } as never, {} as never)).toThrow(/needs the context/);
  });
});

test('the variable has the name of the option property, and is set by check() too', async () => {
  for (const property of ['auth', 'caller', 'set']) {
    const guard = newGuard({ property });
    const app = new Hono();
    app.get('/x', async (c) => {
      const decision = await guard.check(c);
      return c.json(decision.outcome === 'allow' && c.get(property as never) === decision.auth);
    });
    expect(await (await ask(app, good)).json(), property).toBe(true);
  }
});

test('without a server, and with bindings that have the names of Node, an app works all the same', async () => {
  const app = new Hono();
  app.use(newGuard()());
  app.get('/x', (c) => c.text(getAuth(c).signal.aborted ? 'ended' : 'lives'));
  for (const env of [undefined, {}, { incoming: {}, outgoing: 1 }, { incoming: 'x', outgoing: { headersSent: true } }])
    expect(await (await app.request('/x', { headers: { authorization: `Bearer ${good}` } }, env)).text()).toBe('lives');
});

test('rule 220: two Authorization lines are refused on Node', async () => {
  const app = new Hono();
  app.get('/x', newGuard()(), (c) => c.text('ran'));
  const server = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const headers = new Headers();
  for (const line of [`Bearer ${good}`, 'Bearer other']) headers.append('authorization', line);
  expect((await fetch(`http://127.0.0.1:${port}/x`, { headers })).status).toBe(400);
});

test('rule 157: wherever a guarded route is mounted, every method is refused without a token', async () => {
  const guard = newGuard()(scope('a'));
  const inner = new Hono();
  inner.all('/x', guard, (c) => c.text('ran'));
  const ways: ((app: Hono) => unknown)[] = [
    (app) => app.mount('/m', inner.fetch),
    (app) => app.route('/m', inner),
    (app) => app.basePath('/m').route('/', inner),
    (app) => app.route('/m', new Hono().onError((_error, c) => c.text('mine', 500)).route('/', inner)),
    (app) => app.all('/m/*', guard).get('/m/x', (c) => c.text('ran')),
    (app) => app.use('/:any/x', guard).notFound((c) => c.text('ran', 200)),
    (app) =>
      app.notFound(async (c) => {
        await guard(c);
        return c.text('ran', 200);
      }),
  ];
  for (const mount of ways) {
    const app = new Hono();
    mount(app);
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PURGE'])
      expect((await app.request('/m/x', { method })).status, `${String(mount)} ${method}`).toBe(401);
    expect((await app.request('/m/x', { headers: { authorization: `Bearer ${good}` } })).status).toBe(200);
  }
});

test('rule 157: a refusal is sent while a slow handler runs, if middleware only logs both outcomes', async () => {
  const log = (): void => {};
  for (const [token, expected] of [
    [good, [200, 'SECRET']],
    [wrong, [403, expect.not.stringContaining('SECRET')]],
  ] as const) {
    // each guard fetches its keys anew
    const guard = newGuard();
    const app = new Hono();
    app.use(async (c, next) => {
      guard(scope('a'))(c).then(log, log);
      await next();
    });
    app.get('/x', async (c) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return c.text('SECRET');
    });
    const server = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const answer = await fetch(`http://127.0.0.1:${port}/x`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(5000) });
    expect([answer.status, await answer.text()]).toEqual(expected);
  }
});

test('rule 157: a guard in every() that decides late holds nothing back once it has admitted the request', async () => {
  const late = await createTestIssuer({ algorithm: 'ES256' });
  onTestFinished(() => late.close());
  const guard = createGuard({ issuer: late.issuer, audience: late.audience });
  onTestFinished(() => guard.close());
  const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>();
  app.use(every(guard()));
  app.get('/x', async (c) => {
    const { outgoing } = c.env;
    outgoing.writeHead(200);
    outgoing.end('streamed');
    await once(outgoing, 'finish');
    return RESPONSE_ALREADY_SENT;
  });
  const server = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const headers = { authorization: `Bearer ${await late.issueToken()}` };
  expect(await (await fetch(`http://127.0.0.1:${port}/x`, { headers, signal: AbortSignal.timeout(5000) })).text()).toBe('streamed');
});
