import type { Express, RequestHandler } from 'express';

declare global {
  const app: Express;
  const list: RequestHandler;
  const issuerBaseURL: string;
}
