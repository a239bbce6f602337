import express, { type Express } from 'express';
import express4 from 'express4';
import { claim, createGuard, scope } from '@tokenward/express';
import { assertProtected } from '@tokenward/testing';
import { listRoutes } from '@tokenward/testing/routes';
import { describe, expect, test } from 'vitest';

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('%s', (name, create) => {
  const guard = createGuard({ issuer: 'https://login.invalid', audience: 'https://api.example.com' });
  const ran: string[] = [];

  function answer(what: string) {
    return (_request: unknown, response: { json(body: unknown): unknown }) => {
      ran.push(what);
      response.json({});
    };
  }

  function appOf(): Express {
    ran.length = 0;
    const app = create();
    app.get('/health', answer('health'));
    app.get('/news', guard.optional(), answer('news'));
    const orders = create.Router();
    orders.get('/', guard(scope('orders:read')), answer('list'));
    orders.get('/:id', answer('one'));
    orders.delete('/:id', guard(scope('orders:write')), answer('delete'));
    app.use('/tenants/:tenant/orders', guard(), orders);
    app.get('/late', answer('late'), guard());
    app.use(guard());
    app
      .route('/me')
      .get(answer('me'))
      .post(
        guard((request) => claim('tenant', request.path)),
        answer('post'),
      );
    app.use('/sub', create());
    return app;
  }

  test('rule 279: lists routes of apps and routers with what all guards in front of them require', async () => {
    const routes = (await listRoutes(appOf())).map(({ method, path, protection, policies }) => [
      `${method} ${path}`,
      protection,
      policies.map(({ words }) => words),
    ]);
    expect(routes).toEqual([
      ['GET /health', 'no-tokenward-guard', []],
      ['GET /news', 'optional', []],
      ['GET /tenants/:tenant/orders', 'required', ['the scope `orders:read`']],
      ['GET /tenants/:tenant/orders/:id', 'required', []],
      ['DELETE /tenants/:tenant/orders/:id', 'required', ['the scope `orders:write`']],
      ['GET /late', 'no-tokenward-guard', []],
      ['GET /me', 'required', []],
      ['POST /me', 'required', ['a policy that is made from the request']],
      ['ALL /sub/*', 'required', []],
    ]);
  });

  test('rule 277: assertProtected names every route that lets a request in, and how it answered', async () => {
    const error = await assertProtected(appOf()).catch((thrown: Error) => thrown);
    expect((error as Error).message.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
      '3 routes do not refuse what they should:',
      '  GET /health  answered 200 without a token (no guard was found in front of it)',
      '  GET /news  answered 200 without a token (its guard is optional)',
      '  GET /late  answered 200 without a token (no guard was found in front of it)',
      "If one is meant to be open, add it: assertProtected(app, { except: ['GET /health'] })",
    ]);
    expect(ran).toEqual(['health', 'news', 'late']);
  });

  test('rule 277: with exceptions it passes, and no handler has run', async () => {
    await assertProtected(appOf(), { except: ['GET /health', 'GET /news', 'GET /late'] });
    expect(ran).toEqual([]);
  });

  test('rule 277: requireScopes finds routes that any valid token may call', async () => {
    const options = { except: ['GET /health', 'GET /news', 'GET /late', '* /sub/*'], requireScopes: true };
    const { message } = (await assertProtected(appOf(), options).catch((thrown: Error) => thrown)) as Error;
    expect(message).toMatch(
      /2 routes .*\n {2}GET \/tenants\/:tenant\/orders\/:id +answered 200 with a valid token that has no scopes\n {2}GET \/me +answered 200/,
    );
    expect(ran).toEqual(['one', 'me']);
  });

  test('rule 277: an exception that names no route is an error', async () => {
    await expect(assertProtected(appOf(), { except: ['GET /helth'] })).rejects.toThrow(
      /except: has "GET \/helth", which names no route .*did you mean GET \/health\?/,
    );
    await expect(assertProtected(appOf(), { expect: [] } as never)).rejects.toThrow(/has expect, .*did you mean except\?/);
  });

  test('rule 277: a policy with a scope that admits tokens without it is found', async () => {
    const app = create();
    // a bug of the app: it lets everybody through who has any token
    app.get('/orders', guard(scope('orders:read')), answer('orders'));
    app.get('/slow', (_request, _response) => {});
    const { message } = (await assertProtected(app, { timeoutSeconds: 0.2 }).catch((thrown: Error) => thrown)) as Error;
    expect(message).toMatch(/1 route .*\n {2}GET \/slow +gave no answer within 0.2 s without a token/);
  });

  test('rule 277: an answer of 5xx is an error, and no refusal', async () => {
    const app = create();
    app.get('/failing', () => {
      throw Object.assign(new Error('the database is away'), { status: 502 });
    });
    const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
    expect(message).toMatch(/1 route .*\n {2}GET \/failing +answered 502 without a token: an error, not a refusal \(no guard/);
  });

  test('a mounted router with a guard by hand has none in the list, and refused when it is tried', async () => {
    const app = create();
    app.get('/by-hand', (request, response) => void guard()(request, response).then(() => response.json({})));
    expect((await listRoutes(app))[0]).toMatchObject({ protection: 'no-tokenward-guard' });
    await assertProtected(app);
    if (name === 'Express 5') await expect(assertProtected(create())).rejects.toThrow(/found no route/);
  });

  test('finds where routers are mounted also without the word of Express 5.3', async () => {
    const app = appOf();
    for (const layer of (app as unknown as { _router?: { stack: object[] }; router: { stack: object[] } })[name === 'Express 4' ? '_router' : 'router']!.stack)
      delete (layer as { rawPath?: unknown }).rawPath;
    expect((await listRoutes(app)).map(({ path }) => path)).toContain(`/tenants/:${name === 'Express 4' ? 'tenant' : 'parameter1'}/orders/:id`);
  });

  test('patterns: expressions, optional parts and wildcards get a path that matches', async () => {
    const app = create();
    app.use(guard());
    if (name === 'Express 4') {
      app.get('/numbers/:id(\\d+)', answer('n'));
      app.get('/maybe/:id?', answer('m'));
    } else {
      app.get('/maybe{/:id}', answer('m'));
      app.get('/files/*path', answer('f'));
    }
    app.get(/^\/expression\/\d+$/, answer('e'));
    app.all('/all', answer('a'));
    app.get(['/one', '/two'], answer('o'));
    const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
    expect(message).toMatch(/1 route .*\n {2}GET \/\^.*was not tried: no path was found that its pattern matches/);
  });
});
