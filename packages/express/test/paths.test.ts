import express5, { type Express, type Request, type Response } from 'express';
import express4 from 'express4';
import { createGuard, scope, type ExpressGuard } from '@tokenward/express';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-express.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'] })}` };

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
});
