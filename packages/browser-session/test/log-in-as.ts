import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBrowserSession, type BrowserSession, type BrowserSessionOptions } from '@tokenward/browser-session';
import { createGuard, getAuth, role, scope } from '@tokenward/express';
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer } from '@tokenward/testing';
import express from 'express';
import { onTestFinished } from 'vitest';

/** An Express app over a socket, whose guard takes the tokens of a test issuer and sessions. */
export interface GuardedApp {
  readonly origin: string;
  readonly issuer: TestIssuer;
  readonly session: BrowserSession;
  readonly clock: TestClock;
}

/** `GET /orders` needs the scope `orders:read`, and `GET /admin` the role `admin`. Both answer with whom the guard admitted. `GET /` is an empty page. */
export async function startGuardedApp(options: Partial<BrowserSessionOptions> = {}): Promise<GuardedApp> {
  const app = express();
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = createTestClock();
  const issuer = await createTestIssuer({ clock });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const session = createBrowserSession({
    issuer: issuer.issuer,
    clientId: 'web-app',
    clientSecret: 'a client secret of a test',
    origin,
    secrets: ['a secret of a test that has more than 32 characters'],
    clock,
    ...options,
  });
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, session, clock });
  app.get('/', (_req, res) => void res.type('html').send('<!doctype html><title>App</title>'));
  app.get('/orders', guard(scope('orders:read')), (req, res) => void res.json(callerOf(req)));
  app.get('/admin', guard(role('admin')), (req, res) => void res.json(callerOf(req)));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await Promise.all([session.close(), guard.close(), issuer.close()]);
  });
  return { origin, issuer, session, clock };
}

function callerOf(req: express.Request): object {
  const { subject, scopes, roles } = getAuth(req);
  return { subject, scopes, roles };
}
