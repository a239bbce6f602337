import { demandsIn, type FoundRoute } from './route.js';
import { samplePath } from './sample-path.js';

interface HonoRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: Handler;
}
type Handler = ((...given: never[]) => unknown) & { readonly __COMPOSED_HANDLER?: Handler };

export interface HonoApp {
  readonly routes: readonly HonoRoute[];
  readonly router: { match(method: string, path: string): readonly [readonly (readonly [readonly [Handler, HonoRoute], unknown])[], ...unknown[]] };
  fetch(request: Request): Response | Promise<Response>;
}

export function isHono(app: object): app is HonoApp {
  // Express 4 throws if `router` of its app, a function, is read
  if (typeof app === 'function') return false;
  const { routes, fetch, router } = app as Partial<HonoApp>;
  return Array.isArray(routes) && typeof fetch === 'function' && typeof router?.match === 'function';
}

/** Lists the routes of an app of Hono. Hono takes no more routes once its router was asked. */
export function honoRoutes(app: HonoApp): readonly FoundRoute[] {
  const handlers = app.routes.filter((route, at) => !demandsIn(route.handler) && isHandler(app.routes, at));
  return handlers.map((route): FoundRoute => {
    const { method, path } = route;
    const asked = method === 'ALL' ? 'GET' : method;
    const sample = samplePath(path, (tried) => chainOf(app, asked, tried).includes(route));
    const chain = sample === undefined ? [] : chainOf(app, asked, sample);
    const demands = chain.slice(0, chain.indexOf(route)).flatMap(({ handler }) => demandsIn(handler) ?? []);
    const note = sample === undefined ? 'no path was found that reaches it' : undefined;
    return { method, path, demands, isUnknown: sample === undefined, note, sample };
  });
}

/** Returns what Hono runs for a request, in order. */
function chainOf({ router }: HonoApp, method: string, path: string): readonly HonoRoute[] {
  return router.match(method, path)[0].map(([[, route]]) => route);
}

/** Middleware takes `next`, so it has two parameters. The last function of a route for one method is its handler, whatever it takes. */
function isHandler(routes: readonly HonoRoute[], at: number): boolean {
  const { method, path, handler } = routes[at]!;
  let inner = handler;
  for (let depth = 0; inner.__COMPOSED_HANDLER && depth < 16; depth++) inner = inner.__COMPOSED_HANDLER;
  if (inner.length < 2) return true;
  return method !== 'ALL' && !routes.slice(at + 1).some((other) => other.method === method && other.path === path);
}
