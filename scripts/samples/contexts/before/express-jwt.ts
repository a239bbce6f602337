import type { Express, RequestHandler } from 'express';

declare global {
  const app: Express;
  const list: RequestHandler;
  const jwksUri: string;
  function needScope(name: string): RequestHandler;
  namespace Express {
    interface Request {
      auth?: { sub?: string };
    }
  }
}
