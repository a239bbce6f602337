import type { RequestHandler } from 'express';

declare global {
  const jwksUri: string;
  function needScope(name: string): RequestHandler;
  namespace Express {
    interface Request {
      auth?: { sub?: string };
    }
  }
}
