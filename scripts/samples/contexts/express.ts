import type { BrowserSessionCredentials } from '@tokenward/core';
import type { Express, Request, RequestHandler } from 'express';
import type { ExpressGuard } from '@tokenward/express';

declare global {
  /** The browser session of the web app. */
  const session: BrowserSessionCredentials;
  const app: Express;
  const guard: ExpressGuard;
  const req: Request;
  const list: RequestHandler;
  const remove: RequestHandler;
  const pay: RequestHandler;
}
