/* eslint-disable oxc/no-async-endpoint-handlers, typescript/await-thenable -- careless code like this must not admit a request */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express5, { type Express, type NextFunction, type Request, type Response } from 'express';
import express4 from 'express4';
import { createGuard, scope, type ExpressGuard, type ExpressGuardOptions } from '@tokenward/express';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { late } from './odd-denials.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], subject: 'ada' })}` };
const wrong = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['b'] })}` };
const SECRET = { secret: 'SECRET' };
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
afterAll(() => expect(unhandled).toEqual([]));

function newGuard(options: ExpressGuardOptions = {}): ExpressGuard {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

async function start(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function seen(origin: string, path: string, init: RequestInit = {}): Promise<string> {
  const answer = await fetch(`${origin}${path}`, { ...init, signal: AbortSignal.timeout(5_000) });
  return `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('%s', (_name, express) => {
  function newApp(): Express {
    return express().set('env', 'test');
  }

  /** Express runs up to a hundred layers of one router synchronously. */
  function layersAround(inner: express5.Router): express5.Router {
    const router = express.Router();
    for (let layer = 0; layer < 80; layer++) router.use((_request, _response, next) => next());
    return router.use(inner);
  }

  test('rule 178: a guard in a router or app that a handler calls by hand refuses, and lets no preflight pass', async () => {
    for (const onDenied of [undefined, late]) {
      const guard = newGuard({ ...(onDenied && { onDenied }) });
      const needsA = guard(scope('a'));
      const router = express.Router().use(needsA);
      const inner = newApp().use(needsA);
      const app = newApp();
      app.get('/mounted', needsA, (_request, response) => void response.json(SECRET));
      app.all('/router', (request, response) => {
        router(request, response, () => {});
        if (!response.headersSent) response.json(SECRET);
      });
      app.use('/handle', (request, response) => {
        (router as unknown as { handle: typeof router }).handle(request, response, () => {});
        response.json(SECRET);
      });
      app.use('/app', (request, response) => {
        inner(request, response, () => {});
        response.json(SECRET);
      });
      app.use('/timer', (request, response) => {
        setImmediate(router, request, response, () => {});
        setTimeout(() => response.headersSent || response.json(SECRET), 20);
      });
      for (const [path, routers] of Object.entries({ '/deep': 3, '/deeper': 7 })) {
        let deep = router;
        for (let at = 0; at < routers; at++) deep = layersAround(deep);
        app.use(path, (request, response) => {
          deep(request, response, () => {});
          if (!response.headersSent) response.json(SECRET);
        });
      }
      app.use('/behind-a-mount', express.Router().use(needsA), (_request, response) => void response.json(SECRET));
      const origin = await start(app);
      const forged = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], header: { kid: 'made-up' } })}` };
      for (const path of ['/router', '/handle', '/app', '/timer', '/deep', '/deeper', '/behind-a-mount', '/mounted'])
        for (const headers of [wrong, forged, {}]) expect(await seen(origin, path, { headers }), path).toMatch(/^40[13] (?!.*SECRET)/);
      for (const path of ['/router', '/handle', '/app', '/timer'])
        expect(await seen(origin, path, { method: 'OPTIONS', headers: PREFLIGHT }), path).toMatch(/^40[13] (?!.*SECRET)/);
      for (const path of ['/router', '/behind-a-mount', '/mounted']) expect(await seen(origin, path, { headers: good }), path).toMatch(/^200 /);
    }
  });

  test('rules 108 and 178: a mounted guard behind other middleware passes errors to Express and lets preflights pass', async () => {
    const onDenied = (): never => {
      throw new Error('out of order');
    };
    const guard = newGuard({ onDenied });
    const app = newApp();
    app.use((_request, _response, next) => next());
    app.use((_request, _response, next) => void setTimeout(next, 1));
    app.use(async (_request, _response, next) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      next();
    });
    app.param('id', (_request, _response, next) => next());
    app.use(
      '/:id',
      express.Router().use((_request, _response, next) => next(), express.Router().use(guard(scope('a')))),
    );
    app.options('/x', (_request, response) => void response.status(204).end());
    app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => void response.status(500).send(error.message));
    const origin = await start(app);
    // an error of onDenied goes to Express' own handlers only where Express runs the guard
    expect(await seen(origin, '/x', { headers: wrong })).toMatch(/^500 .*out of order/);
    expect(await seen(origin, '/x', { method: 'OPTIONS', headers: PREFLIGHT })).toMatch(/^204 /);
  });

  test('rule 157: calls a custom next once if it throws, and passes its error to Express', async () => {
    for (const isWarm of [true, false]) {
      const guard = newGuard();
      if (isWarm) await guard.warm();
      const next = vi.fn(() => {
        throw new Error('their own');
      });
      const app = newApp();
      app.get('/x', (request, response) => guard()(request, response, next));
      app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => void response.status(500).send(error.message));
      expect(await seen(await start(app), '/x', { headers: good })).toMatch(/^500 .*their own/);
      expect(next).toHaveBeenCalledTimes(1);
    }
  });

  test('rule 157: a guard called by hand that fails answers 500, and the handler cannot answer', async () => {
    const guard = newGuard();
    const app = newApp();
    app.get('/x', (request, response) => {
      Object.defineProperty(request, 'auth', {
        set() {
          throw new Error('no more members');
        },
      });
      guard()(request, response, () => response.json(SECRET));
      response.json(SECRET);
    });
    expect(await seen(await start(app), '/x', { headers: good })).toMatch(/^500 (?!.*SECRET)/);
  });
});

test('leaves Error.stackTraceLimit and Error.prepareStackTrace alone, and still decides if an app changes them', async () => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const guard = newGuard();
  const app = express5();
  app.use(guard(scope('a')));
  const origin = await start(app);
  expect(await seen(origin, '/x', { headers: wrong })).toMatch(/^403/);
  expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([stackTraceLimit, prepareStackTrace]);
  Error.prepareStackTrace = () => 'written by somebody else';
  Error.stackTraceLimit = 0;
  try {
    expect(await seen(origin, '/x', { method: 'OPTIONS', headers: PREFLIGHT })).toMatch(/^404/);
    expect(Error.stackTraceLimit).toBe(0);
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  }
});
