import type { BrowserSessionCredentials } from '@tokenward/core';
import type { FastifyGuard as Guard } from '@tokenward/fastify';
import type { FastifyInstance, RouteHandlerMethod } from 'fastify';

declare global {
  /** The browser session of the web app. */
  const session: BrowserSessionCredentials;
  type FastifyGuard = Guard;
  const app: FastifyInstance;
  const list: RouteHandlerMethod;
  const remove: RouteHandlerMethod;
}
