import type { Express, RequestHandler } from 'express';
import type { ExpressGuard } from '@tokenward/express';

declare global {
  const app: Express;
  const guard: ExpressGuard;
  const remove: RequestHandler;
  const pay: RequestHandler;
}
