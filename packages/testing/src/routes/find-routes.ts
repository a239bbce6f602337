import { misuse } from '@tokenward/core/adapter';
import { expressRoutes, isExpress } from './express.js';
import { fastifyRoutes, isFastify } from './fastify.js';
import { honoRoutes, isHono } from './hono.js';
import { isKoa, koaRoutes } from './koa.js';
import { isNest, nestRoutes } from './nest.js';
import type { FoundRoute } from './route.js';

/** @throws ConfigurationError if it is not an app of a known framework */
export async function findRoutes(app: object): Promise<readonly FoundRoute[]> {
  const given = Object(app) as object;
  if (isNest(given)) return nestRoutes(given);
  if (isFastify(given)) return fastifyRoutes(given);
  if (isHono(given)) return honoRoutes(given);
  if (isKoa(given)) return koaRoutes(given);
  if (isExpress(given)) return expressRoutes(given);
  throw misuse('app', 'is not an app of Express, Fastify, Koa, NestJS or Hono. Pass the app itself, not its server or its guard');
}
