import express, { type RequestHandler } from 'express';
import { createGuard, getAuth } from '@tokenward/express';
import type { Apps, Ingredients } from '../app.ts';

export async function expressApps({ options, credentials, check, admit }: Ingredients): Promise<Apps> {
  const guard = createGuard(options);
  return {
    unguarded: appOf(() => check()),
    step: appOf(
      (_req, _res, next) => next(),
      () => check(),
    ),
    guarded: credentials === 'optional' ? appOf(guard.optional(), (req) => admit(getAuth(req, 'optional'))) : appOf(guard(), (req) => admit(getAuth(req))),
  };
}

function appOf(...handlers: RequestHandler[]): Apps['guarded'] {
  const app = express();
  app.get('/me', ...handlers);
  return app as Apps['guarded'];
}
