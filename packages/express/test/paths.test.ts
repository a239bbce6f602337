import cors from 'cors';
import express5, { type Express, type Request, type Response } from 'express';
import express4 from 'express4';
import { createGuard, scope, type ExpressGuard } from '@tokenward/express';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-express.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a' })}` };
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };

function newGuard(): ExpressGuard {
  return createGuard({ issuer: issuer.issuer, audience: issuer.audience });
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
  test('rule 152: a guard matches the same paths as its route, under every setting of case and trailing slash', async () => {
    for (const [caseSensitive, strict] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const guard = newGuard();
      const app = express();
      app.set('case sensitive routing', caseSensitive).set('strict routing', strict);
      const router = express.Router({ caseSensitive, strict });
      router.get('/inner', guard(), ok);
      app.get('/admin', guard(), ok);
      app.use('/nested', router);
      const origin = await start(app, guard);
      for (const path of ['/admin', '/ADMIN', '/admin/', '/ADMIN/', '/%61dmin', '/nested/inner', '/NESTED/INNER/', '//admin', '/nested//inner']) {
        const without = await fetch(`${origin}${path}`);
        const withToken = await fetch(`${origin}${path}`, { headers: good });
        expect([without.status, withToken.status], path).toEqual(withToken.status === 200 ? [401, 200] : [404, 404]);
      }
    }
  });

  test('rule 152: a guard on a router protects all paths below it, and none beside it', async () => {
    const guard = newGuard();
    const app = express();
    const router = express.Router();
    router.use(guard(scope('a')));
    router.get('/x', ok);
    app.use('/api', router);
    app.get('/api-docs', ok);
    const origin = await start(app, guard);
    for (const path of ['/api/x', '/API/X', '/api//x', '/api/nowhere', '/api']) await expectUnauthorized(await fetch(`${origin}${path}`), { scope: 'a' });
    expect((await fetch(`${origin}/api/x`, { headers: good })).status).toBe(200);
    expect((await fetch(`${origin}/api-docs`)).status).toBe(200);
  });

  test('rule 108: a preflight passes a mounted guard, and reaches no handler of a route for all methods', async () => {
    const guard = newGuard();
    const app = express();
    const handler = vi.fn(ok);
    app.all('/purge', guard(scope('a')), handler);
    app.use(guard());
    app.options('/x', (_req, res) => void res.status(204).end());
    const origin = await start(app, guard);
    const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'DELETE' };
    expect((await fetch(`${origin}/purge`, { method: 'OPTIONS', headers })).status).toBe(401);
    expect(handler).not.toHaveBeenCalled();
    expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers })).status).toBe(204);
    expect((await fetch(`${origin}/x`, { method: 'OPTIONS' })).status).toBe(401);
  });

  test('rule 111: a second guard sees the method that middleware sets after the first', async () => {
    const guard = newGuard();
    const app = express();
    const handler = vi.fn(ok);
    app.use(guard());
    app.use((req, _res, next) => {
      req.method = String(req.headers['x-my-override'] ?? req.method);
      next();
    });
    app.delete('/x', guard(scope('a')), handler);
    const origin = await start(app, guard);
    const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'DELETE', 'x-my-override': 'DELETE' };
    expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers })).status).toBe(401);
    expect(handler).not.toHaveBeenCalled();
    expect((await fetch(`${origin}/x`, { method: 'POST', headers: { ...good, 'x-my-override': 'DELETE' } })).status).toBe(200);
  });

  test('with cors before the guard, preflights are answered and refusals are readable across origins', async () => {
    const guard = newGuard();
    const app = express();
    app.use(cors({ exposedHeaders: 'www-authenticate' }));
    app.get('/x', guard(), ok);
    const origin = await start(app, guard);
    expect((await fetch(`${origin}/x`, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(204);
    const refused = await fetch(`${origin}/x`, { headers: { origin: PREFLIGHT.origin } });
    await expectUnauthorized(refused);
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    expect(refused.headers.get('access-control-expose-headers')).toBe('www-authenticate');
  });
});
