import { createGuard, getAuth, role, scope } from '@tokenward/express';
import cors from 'cors';
import express from 'express';
import { ORDERS_API, PUBLIC_CLIENTS } from './cast.ts';
import { closeServer, type OpenPort } from './listen.ts';

export interface Api {
  readonly url: string;
  /** How long the API's cached keys count as fresh. */
  readonly keysFreshSeconds: number;
  stop(): Promise<void>;
}

const KEYS_FRESH_SECONDS = 2;

/** The protected API: what you would write yourself, with a guard before each route. */
export function startApi({ server, origin }: OpenPort, issuer: string, appOrigin: string): Api {
  const guard = createGuard({
    issuer,
    audience: ORDERS_API,
    // issuer and API share one clock here. The default allows 30 seconds more, and the demo would have to wait for them
    clockSkewSeconds: 0,
    // the defaults, 600 and 30 seconds, are too long for a demo
    keyFetching: { freshSeconds: KEYS_FRESH_SECONDS, unknownKeyCooldownSeconds: 1, timeoutSeconds: 2 },
  });

  const app = express();
  app.disable('x-powered-by');
  app.use(cors({ origin: appOrigin, exposedHeaders: ['WWW-Authenticate', 'Retry-After'] }));

  const orders = [{ id: 1, item: 'a pot of tea' }];
  app.get('/me', guard(), (request, response) => response.json({ subject: getAuth(request).subject, scopes: getAuth(request).scopes }));
  app.get('/orders', guard(scope('orders:read')), (_request, response) => response.json(orders));
  app.post('/orders', guard(scope('orders:write')), express.json(), (request, response) => {
    const order = { id: orders.length + 1, item: itemOf(request.body) };
    orders.push(order);
    response.status(201).json(order);
  });
  app.delete('/orders/:id', guard(role('admin')), (_request, response) => response.status(204).end());
  // receives the authorization server's logout tokens, for each client
  app.post('/backchannel-logout', guard.backchannelLogout({ clientId: PUBLIC_CLIENTS.map(({ id }) => id) }));
  server.on('request', app);

  return {
    url: origin,
    keysFreshSeconds: KEYS_FRESH_SECONDS,
    async stop() {
      await guard.close();
      await closeServer(server);
    },
  };
}

function itemOf(body: unknown): string {
  const item = (body as { readonly item?: unknown } | undefined)?.item;
  return typeof item === 'string' ? item.slice(0, 100) : 'something';
}
