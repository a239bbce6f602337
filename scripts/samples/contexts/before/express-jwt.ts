import type { Express as App, RequestHandler } from 'express';

declare global {
  const app: App;
  const list: RequestHandler;
  const jwksUri: string;
  function needScope(name: string): RequestHandler;
  namespace Express {
    interface Request {
      auth?: { sub?: string };
    }
  }
}
