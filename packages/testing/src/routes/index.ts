/**
 * The routes of an app, and what protects each of them.
 *
 * @module
 */
import { findRoutes } from './find-routes.js';
import { routeOf, type RouteOfApp } from './route.js';

export { exceptedRoutes } from './exceptions.js';
export type { PolicyOfRoute, RouteOfApp } from './route.js';

/**
 * Lists the routes of an app, in the order in which the framework tries them (Fastify: by path), with what protects each. It sends no request and listens nowhere.
 * A route for several versions or hosts is listed for each of them, with a note.
 *
 * It sees guards in front of a handler: on the app, on routers, on routes, in hooks, and by decorators. It cannot see a guard that a handler calls itself.
 *
 * @param app of Express, Fastify, Koa with `@koa/router`, NestJS or Hono. It starts the plugins of Fastify, and initialises NestJS
 * @throws ConfigurationError if it is not an app of one of them
 *
 * @example
 * for (const { method, path, protection } of await listRoutes(app)) console.log(method, path, protection);
 */
export async function listRoutes(app: object): Promise<readonly RouteOfApp[]> {
  return (await findRoutes(app)).map(routeOf);
}
