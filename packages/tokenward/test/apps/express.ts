import express, { type Express } from 'express';
import { createGuard, scope } from '@tokenward/express';

const guard = createGuard({ issuer: 'https://login.invalid', audience: 'https://api.example.com' });

function create(): Express {
  const app = express();
  app.get('/health', (_request, response) => response.json({}));
  app.get('/news', guard.optional(), (_request, response) => response.json({}));
  app.use(guard());
  app.post('/orders', guard(scope('orders:write')), (_request, response) => response.json({}));
  return app;
}

export const app = create();
export async function createClosedApp(): Promise<Express> {
  const closed = express();
  closed.get('/me', guard(), (_request, response) => response.json({}));
  return closed;
}
export const nothing = 7;
