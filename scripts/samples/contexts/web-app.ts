import type { Express, RequestHandler } from 'express';
import type { ExpressBrowserSession } from '@tokenward/browser-session/express';
import type { redisRevocations as revocations, redisSessions as sessions } from '@tokenward/redis';

declare global {
  const app: Express;
  const list: RequestHandler;
  const session: ExpressBrowserSession;
  const clientId: string;
  const clientSecret: string;
  const secrets: readonly string[];
  const redisRevocations: typeof revocations;
  const redisSessions: typeof sessions;
}
