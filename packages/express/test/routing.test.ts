import express5, { type Express, type NextFunction, type Request, type Response } from 'express';
import express4 from 'express4';
import { createGuard, getAuth, scope, type Deny, type ExpressGuard, type ProtectedRequest, type ResponseHeaders } from '@tokenward/express';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-express.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], subject: 'ada' })}` };

function newGuard(audience = issuer.audience): ExpressGuard {
  return createGuard({ issuer: issuer.issuer, audience });
}

async function start(app: Express, guard: ExpressGuard): Promise<string> {
  const running = await listen(app, guard);
  onTestFinished(() => running.close());
  return running.origin;
}

const ok = (_request: Request, response: Response): void => void response.json({ ok: true });

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('%s', (_name, express) => {
  test("rule 153: next('route') skips a guard only together with its handler", async () => {
    const guard = newGuard();
    const app = express();
    const skip = (_req: Request, _res: Response, next: NextFunction): void => next('route');
    app.get('/x', skip, guard(), ok);
    app.get('/x', guard(scope('b')), ok);
    const origin = await start(app, guard);
    await expectUnauthorized(await fetch(`${origin}/x`), { scopes: ['b'] });
    await expectForbidden(await fetch(`${origin}/x`, { headers: good }), { scopes: ['b'] });
  });

  test('rule 153: getAuth throws in app.param, which runs before the guard of a route', async () => {
    const guard = newGuard();
    const app = express();
    app.param('id', (req, _res, next) => {
      getAuth(req);
      next();
    });
    app.get('/x/:id', guard(), ok);
    app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => void res.status(500).json({ message: error.message }));
    const origin = await start(app, guard);
    const answer = await fetch(`${origin}/x/1`, { headers: good });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ message: expect.stringContaining('no guard has authenticated this request') });
  });

  test('rule 153: static files before the guard are public, and those after it are protected', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenward-static-'));
    await writeFile(join(folder, 'file.txt'), 'static');
    onTestFinished(() => rm(folder, { recursive: true }));
    const guard = newGuard();
    const app = express();
    app.use(express.static(folder));
    app.use(guard());
    app.use('/late', express.static(folder));
    const origin = await start(app, guard);
    expect((await fetch(`${origin}/file.txt`)).status).toBe(200);
    await expectUnauthorized(await fetch(`${origin}/late/file.txt`));
    expect((await fetch(`${origin}/late/file.txt`, { headers: good })).status).toBe(200);
  });

  test('rule 153: passes an error that onDenied throws or rejects with to next(err), and runs no handler', async () => {
    for (const onDenied of [
      () => {
        throw new Error('out of order');
      },
      () => Promise.reject(new Error('out of order')),
    ]) {
      const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, onDenied });
      const app = express();
      const handler = vi.fn(ok);
      app.get('/x', guard(), handler);
      app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => void res.status(500).json({ message: error.message }));
      const origin = await start(app, guard);
      const answer = await fetch(`${origin}/x`);
      expect([answer.status, await answer.json()]).toEqual([500, { message: 'out of order' }]);
      expect(handler).not.toHaveBeenCalled();
    }
  });

  test.each([undefined, null, '', 0, false, 'route', 'router'])('rule 153: runs no handler if onDenied throws or rejects with %o', async (thrown) => {
    for (const onDenied of [
      () => {
        throw thrown; // eslint-disable-line typescript/only-throw-error -- users do
      },
      () => Promise.reject(thrown), // eslint-disable-line typescript/prefer-promise-reject-errors -- users do
    ]) {
      const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, onDenied });
      const app = express();
      const handler = vi.fn(ok);
      app.get('/x', guard(), handler);
      app.use('/y', guard());
      app.get(['/x', '/y'], handler);
      app.use((_error: Error, _req: Request, res: Response, _next: NextFunction) => void res.status(500).end());
      const origin = await start(app, guard);
      expect([(await fetch(`${origin}/x`)).status, (await fetch(`${origin}/y`)).status]).toEqual([500, 500]);
      expect(handler).not.toHaveBeenCalled();
    }
  });

  test('a refusal that onDenied throws keeps its status and headers', async () => {
    const guard = createGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      onDenied(decision) {
        throw Object.assign(new Error(decision.body.title), { status: decision.status, headers: decision.headers, decision });
      },
    });
    const handler = vi.fn(ok);
    const bare = express();
    bare.set('env', 'test').get('/x', guard(scope('b')), handler);
    const byExpress = await fetch(`${await start(bare, guard)}/x`);
    expect([byExpress.status, byExpress.headers.get('www-authenticate'), byExpress.headers.get('cache-control')]).toEqual([
      401,
      expect.stringMatching(/^Bearer realm="api", scope="b", DPoP realm=/),
      'no-store',
    ]);
    const handled = express();
    handled.get('/x', guard(scope('b')), handler);
    handled.use((error: { status: number; headers: ResponseHeaders; decision: Deny }, _req: Request, res: Response, _next: NextFunction) => {
      res.status(error.status).set(error.headers).type('application/problem+json').send(JSON.stringify(error.decision.body));
    });
    await expectForbidden(await fetch(`${await start(handled, guard)}/x`, { headers: good }), { scopes: ['b'] });
    expect(handler).not.toHaveBeenCalled();
  });

  test("passes an error of the handler to the app's error handler", async () => {
    const guard = newGuard();
    const app = express();
    const seen: string[] = [];
    app.get('/x', guard(), () => {
      throw new Error('mine');
    });
    app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
      seen.push(error.message);
      res.status(418).end();
    });
    const origin = await start(app, guard);
    // the first request waits for keys, the second does not
    for (let round = 0; round < 2; round++) expect((await fetch(`${origin}/x`, { headers: good })).status).toBe(418);
    expect(seen).toEqual(['mine', 'mine']);
  });

  test("onDenied may return Express' response", async () => {
    const guard = createGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      onDenied: (decision, _req, res) => res.status(decision.status).json({ mine: true }) as never,
    });
    const app = express();
    const errors = vi.fn();
    app.get('/x', guard(), ok);
    app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      errors(error);
      res.end();
    });
    const origin = await start(app, guard);
    const answer = await fetch(`${origin}/x`);
    expect([answer.status, await answer.json()]).toEqual([401, { mine: true }]);
    expect(errors).not.toHaveBeenCalled();
  });

  test("the origin follows Express' trust proxy setting", async () => {
    const built: string = '../dist/view.js';
    const { view } = (await import(built)) as { view: (request: Request) => ProtectedRequest };
    for (const [trust, forwarded, direct] of [
      [false, 'http://127.0.0.1', 'http://127.0.0.1'],
      [true, 'https://api.example.test', 'http://127.0.0.1'],
    ] as const) {
      const app = express();
      app.set('trust proxy', trust);
      app.use('/mounted', (req: Request, res: Response) => {
        const { method, target, origin } = view(req);
        res.json({ method, target, origin });
      });
      const origin = await start(app, newGuard());
      const { port } = new URL(origin);
      const expected = (base: string): string => (base.startsWith('https') ? base : `${base}:${port}`);
      const target = '/mounted/x?y=1';
      const plain = await (await fetch(`${origin}${target}`)).json();
      expect(plain).toMatchObject({ method: 'GET', target, origin: expected(direct) });
      const viaProxy = await (await fetch(`${origin}${target}`, { headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.test' } })).json();
      expect(viaProxy).toMatchObject({ origin: expected(forwarded) });
    }
  });
});

test.each(['__proto__', 'constructor', 'headers', 'url', 'method', 'on', '_events', 'body', 'params', 'query', ''])(
  'throws for the property %j',
  (property) => {
    expect(() => createGuard({ issuer: issuer.issuer, audience: issuer.audience, property })).toThrow(/property: (?:is|must be)/);
  },
);

test('reads a request with empty rawHeaders, as on serverless platforms', async () => {
  const guard = newGuard();
  const app = express5();
  app.use((req, _res, next) => {
    req.rawHeaders = [];
    next();
  });
  app.get('/x', guard.optional(), (req, res) => void res.json({ subject: getAuth(req)?.subject ?? null }));
  const origin = await start(app, guard);
  expect(await (await fetch(`${origin}/x`, { headers: good })).json()).toEqual({ subject: 'ada' });
  await expectUnauthorized(await fetch(`${origin}/x`, { headers: { authorization: 'Bearer x' } }), { error: 'invalid_token' });
});

test('a guard that is not called, or called without a policy, throws an error that says what to write', () => {
  const guard = newGuard();
  expect(() => (guard as unknown as (...given: unknown[]) => void)({ headers: {} }, {}, () => {})).toThrow(/write guard\(\) and not guard/);
  expect(() => guard('orders:read' as never)).toThrow(/guard\(\.\.\.\) argument 1: is string, not a policy such as scope/);
  expect(() => guard(scope('a'), undefined as never)).toThrow(/guard\(\.\.\.\) argument 2: is undefined/);
  expect(() => scope(['a', 'b'] as never)).toThrow(/pass several names as several arguments/);
});

test('reports invalid options of the adapter and of core together', () => {
  expect(() => createGuard({ issuer: 'x', audience: '', property: '', onDenied: 7 as never })).toThrow(
    /^tokenward: 4 invalid options:\n  - property: .*\n  - onDenied: .*\n  - issuer: .*\n  - audience: /,
  );
  expect(() => createGuard(null as never)).toThrow(/options: must be a plain object \(got null\)/);
});
