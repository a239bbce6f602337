import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';

/** A route as Hono registered it. */
interface MatchedRoute {
  readonly path: string;
  readonly handler: unknown;
}

/**
 * Returns the route whose handler runs; undefined if Hono does not say. A CommonJS app has another copy of Hono than this module, and the helper of `hono/route`
 * knows the requests of its own copy only. So the request itself is asked first.
 */
export function matchedRoute(context: Context): MatchedRoute | undefined {
  try {
    const { matchedRoutes: own, routeIndex } = context.req as { readonly matchedRoutes?: readonly MatchedRoute[]; readonly routeIndex: number };
    return (own ?? matchedRoutes(context))[routeIndex];
  } catch {
    return undefined;
  }
}
