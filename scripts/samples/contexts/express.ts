import type { Express, Request, RequestHandler } from 'express';
import type { ExpressGuard } from '@tokenward/express';

declare global {
  const app: Express;
  const guard: ExpressGuard;
  const req: Request;
  const list: RequestHandler;
  const remove: RequestHandler;
  const pay: RequestHandler;
}
