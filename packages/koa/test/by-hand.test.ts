import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { Router } from '@koa/router';
import Koa, { type Context, type Middleware, type Next } from 'koa';
import { createGuard, getAuth, scope, type KoaGuard, type KoaGuardOptions } from '@tokenward/koa';
import { connectHttp2 } from '../../testing/src/adapter-suite/http2-exchange.js';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { late } from './odd-denials.js';
import { handlerOf, listen } from './start-koa.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const goodToken = await issuer.issueToken({ scopes: ['a'], subject: 'ada' });
const wrongToken = await issuer.issueToken({ scopes: ['b'] });
const good = { authorization: `Bearer ${goodToken}` };
const wrong = { authorization: `Bearer ${wrongToken}` };
// Koa's own middleware runner, which many apps call
const compose = createRequire(import.meta.resolve('koa'))('koa-compose') as (
  middleware: readonly unknown[],
) => (context: Context, next?: Next) => Promise<unknown>;
const SECRET = { secret: 'SECRET' };
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
afterAll(() => expect(unhandled).toEqual([]));

function newGuard(options: KoaGuardOptions = {}): KoaGuard {
  return createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
}

async function start(app: Koa, guard: KoaGuard): Promise<string> {
  app.silent = true;
  const running = await listen(app, guard, createServer(handlerOf(app)));
  onTestFinished(() => running.close());
  return running.origin;
}

async function seen(origin: string, path: string, init: RequestInit = {}): Promise<string> {
  const answer = await fetch(`${origin}${path}`, { ...init, signal: AbortSignal.timeout(5_000) });
  return `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
}

const secret = (context: Context): void => {
  context.set('x-secret', 'SECRET');
  context.cookies.set('session', 'SECRET');
  context.status = 200;
  context.body = SECRET;
};

test('rule 179: code that awaits refuse() continues, upstream middleware sees the status, and the answer has its challenge', async () => {
  const guard = newGuard();
  const steps: unknown[] = [];
  const app = new Koa().use(async (context, next) => {
    await next();
    steps.push(context.status);
  });
  app.use(async (context) => {
    const decision = await guard.check(context, scope('a'));
    try {
      if (decision.outcome === 'deny') return await guard.refuse(decision, context);
      context.body = { for: getAuth(context).subject };
    } finally {
      steps.push('finally');
    }
  });
  const origin = await start(app, guard);
  await expectForbidden(await fetch(origin, { headers: wrong }), { scopes: ['a'] });
  await expectUnauthorized(await fetch(origin), { scopes: ['a'] });
  expect(await (await fetch(origin, { headers: good })).json()).toEqual({ for: 'ada' });
  expect(steps).toEqual(['finally', 403, 'finally', 401, 'finally', 200]);
});

test('rule 179: refuse() throws unless it gets a refusal and a context', async () => {
  const guard = newGuard();
  expect(() => guard.refuse({ outcome: 'allow' } as never, {} as never)).toThrow(/got no refusal/);
  for (const context of [undefined, null, {}, { req: null, res: null, response: null }])
    expect(() => guard.refuse({ outcome: 'deny' } as never, context as never)).toThrow(/Write await guard\.refuse\(decision, ctx\)/);
  await guard.close();
});

test('rule 179: does not send a status that a handler sets after it calls a guard without awaiting it', async () => {
  for (const onDenied of [undefined, late]) {
    const guard = newGuard({ ...(onDenied && { onDenied }) });
    const needsA = guard(scope('a')) as Middleware;
    const byHand: Record<string, Middleware> = {
      '/response': (context) => {
        void needsA(context, async () => {});
        context.res.statusCode = 200;
      },
      '/copy': (context) => {
        void needsA(Object.create(context) as Context, async () => {});
        context.status = 200;
      },
    };
    const app = new Koa();
    app.use((context, next) => byHand[context.path]?.(context, next));
    const origin = await start(app, guard);
    for (const path of Object.keys(byHand)) expect(await seen(origin, path, { headers: wrong }), path).toMatch(/^40[13] /);
  }
});

test('rule 178: a guard in a chain that middleware runs by hand refuses, and lets no preflight pass', async () => {
  for (const onDenied of [undefined, late]) {
    const guard = newGuard({ ...(onDenied && { onDenied }) });
    const needsA = guard(scope('a')) as Middleware;
    const passing = (_context: Context, next: Next): Promise<void> => next();
    const inner = new Router().all('/router', needsA as never, (() => {}) as never).routes() as unknown as Middleware;
    const ran = vi.fn(secret);
    const router = new Router();
    router.get('/mounted', needsA as never, secret as never);
    const byHand: Record<string, Middleware> = {
      '/not-awaited': (context) => {
        void compose([needsA])(context);
        secret(context);
      },
      '/behind-another': (context) => {
        void compose([passing, needsA])(context);
        secret(context);
      },
      '/router': (context) => {
        void inner(context, async () => {});
        secret(context);
      },
      '/mounted-here': async (context, next) => {
        void compose([needsA])(context);
        secret(context);
        await next();
      },
      '/awaited': async (context) => {
        await compose([needsA])(context);
        ran(context);
      },
    };
    for (const [path, middleware] of Object.entries(byHand)) router.all(path, middleware as never);
    router.all('/mounted-here', needsA as never);
    const origin = await start(new Koa().use(router.routes() as never), guard);
    const forged = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], header: { kid: 'made-up' } })}` };
    for (const path of [...Object.keys(byHand), '/mounted'])
      for (const headers of [wrong, forged, {}]) expect(await seen(origin, path, { headers }), path).toMatch(/^40[13] (?!.*SECRET)/);
    for (const path of Object.keys(byHand)) expect(await seen(origin, path, { method: 'OPTIONS', headers: PREFLIGHT }), path).toMatch(/^40[13] (?!.*SECRET)/);
    // code that awaits a refused chain does not continue
    expect(ran).not.toHaveBeenCalled();
    for (const path of ['/not-awaited', '/behind-another', '/awaited', '/mounted']) expect(await seen(origin, path, { headers: good }), path).toMatch(/^200 /);
  }
});

test('rules 108 and 178: a mounted guard behind other middleware passes errors upstream', async () => {
  const guard = newGuard({
    onDenied() {
      throw Object.assign(new Error('out of order'), { status: 418, expose: true });
    },
  });
  const app = new Koa().use(async (context, next) => {
    try {
      await next();
    } catch (error) {
      context.body = `upstream saw ${(error as Error).message}`;
    }
  });
  app.use((_context, next) => next());
  app.use(async (_context, next) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return next();
  });
  const router = new Router();
  router.get('/x', guard(scope('a')) as never, secret as never);
  app.use(compose([compose([guard() as never])]) as Middleware);
  app.use(router.routes() as never).use((context) => void (context.status = 204));
  const origin = await start(app, guard);
  // an error of onDenied goes upstream only where Koa runs the guard
  expect(await seen(origin, '/x', { headers: wrong })).toMatch(/upstream saw out of order$/);
});

test('rule 157: a guard called by hand that fails answers 500, and the handler cannot answer', async () => {
  const guard = newGuard();
  const app = new Koa();
  const errors: string[] = [];
  app.on('error', (error: Error) => errors.push(error.message));
  app.use((context) => {
    Object.defineProperty(context.state, 'auth', {
      set() {
        throw new Error('no more members');
      },
    });
    void guard()(context);
    secret(context);
  });
  expect(await seen(await start(app, guard), '/x', { headers: good })).toMatch(/^500 (?!.*SECRET)/);
  expect(errors).toEqual(['no more members']);
});

test('rule 157: over HTTP/2, a handler cannot answer on the stream while a guard called by hand decides, or after it refuses', async () => {
  const guard = newGuard();
  const app = new Koa();
  app.silent = true;
  const careless: Record<string, (stream: ServerHttp2Stream) => void> = {
    '/respond': (stream) => {
      stream.respond({ ':status': 200, 'x-secret': 'SECRET' });
      stream.end('SECRET');
    },
    '/end': (stream) => void stream.end('SECRET'),
    '/hints': (stream) => stream.additionalHeaders({ ':status': 103, link: '<SECRET>' }),
  };
  app.use((context) => {
    void guard(scope('a'))(context);
    careless[context.path]!((context.req as unknown as { stream: ServerHttp2Stream }).stream);
  });
  const running = await listen(app, guard, createHttp2Server(handlerOf(app)));
  onTestFinished(() => running.close());
  const connection = connectHttp2(running.origin);
  onTestFinished(() => connection.close());
  for (const isWarm of [false, true]) {
    for (const path of Object.keys(careless)) {
      const { status, headers, body } = await connection.ask({ path, token: isWarm ? wrongToken : undefined });
      expect([status, headers.get('x-secret'), body], path).toEqual([isWarm ? 403 : 401, null, expect.not.stringContaining('SECRET')]);
    }
  }
  expect(await connection.ask({ path: '/respond', token: goodToken })).toMatchObject({ status: 200, body: 'SECRET' });
});
