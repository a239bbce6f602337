import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type Express } from 'express';
import { createBrowserSession } from '@tokenward/browser-session/express';
import { acr, createGuard, maxAge, memoryRevocations, role, scope } from '@tokenward/express';
import { redisRevocations, redisSessions } from '@tokenward/redis';
import type { Settings } from './settings.ts';

/** An app with its page and its API. */
export interface WebApp {
  readonly app: Express;
  /** Fetches the issuer's keys and connects to the stores. Returns what did not work. */
  warm(): Promise<readonly string[]>;
  close(): Promise<unknown>;
}

export function createApp({ issuer, clientId, clientSecret, audience, origin, secrets, mode, redisUrl: url }: Settings): WebApp {
  // With Redis, all processes share sessions and revocations. Without it, a session is in an encrypted cookie
  const store = url === undefined ? undefined : redisSessions({ url });
  const revocations = url === undefined ? memoryRevocations() : redisRevocations({ url });
  const session = createBrowserSession({
    issuer,
    clientId,
    clientSecret,
    origin,
    scope: 'openid offline_access orders:read orders:write payout',
    resource: audience,
    secrets,
    mode,
    store,
    revocations,
  });
  const guard = createGuard({ issuer, audience, session, revocations: { store: revocations } });
  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders);
  app.use(session.routes()); // /session/login, callback, user, token, logout, backchannel-logout

  const orders = [
    { id: '1', item: 'Assam', quantity: 2 },
    { id: '2', item: 'Sencha', quantity: 1 },
  ];

  // the session cookie or a Bearer token: the guard makes no difference
  app.get('/api/orders', guard(scope('orders:read')), (req, res) => {
    res.json(orders);
  });

  app.post('/api/orders', guard(scope('orders:write')), express.json(), (req, res) => {
    const order = { ...(req.body as object), id: crypto.randomUUID() } as (typeof orders)[number];
    orders.push(order);
    res.status(201).json(order);
  });

  app.delete('/api/orders/:id', guard(role('admin')), (req, res) => {
    const index = orders.findIndex(({ id }) => id === req.params.id);
    if (index >= 0) orders.splice(index, 1);
    res.status(204).end();
  });

  app.put('/api/payout', guard(scope('payout'), acr('urn:example:mfa'), maxAge(300)), express.json(), (req, res) => {
    res.json({ paid: true });
  });

  app.get('/config.json', (req, res) => {
    res.json({ mode });
  });

  // the page, and the page's part of the session, as they are: nothing is bundled
  app.use(express.static(`${import.meta.dirname}/page`));
  const client = dirname(fileURLToPath(import.meta.resolve('@tokenward/browser-session/client')));
  app.get('/tokenward/client.js', (req, res) => {
    res.sendFile('client.js', { root: client });
  });
  app.use('/tokenward/client', express.static(`${client}/client`));

  return {
    app,
    async warm() {
      const results = await Promise.allSettled([session.warm(), guard.warm()]);
      return [...new Set(results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : [])))];
    },
    close: () => Promise.all([guard.close(), session.close(), store?.close(), revocations.close()]),
  };
}

/** No foreign script runs in the page, and no site frames it. */
function pageHeaders(req: express.Request, res: express.Response, next: express.NextFunction): void {
  res.set({
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  next();
}
