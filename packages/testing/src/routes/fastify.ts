import { demandsIn, type FoundRoute } from './route.js';
import { samplePath } from './sample-path.js';

/** The part of Fastify that shows its routes. */
export interface FastifyApp {
  ready(): PromiseLike<unknown>;
  printRoutes(options: object): string;
  hasRoute(options: { readonly method: string; readonly url: string }): boolean;
  inject(options: object): Promise<{ readonly statusCode: number }>;
}

export function isFastify(app: object): app is FastifyApp {
  const { printRoutes, inject, ready } = app as Partial<FastifyApp>;
  return [printRoutes, inject, ready].every((one) => typeof one === 'function');
}

/** A route of Fastify's router. `store` is the context of the route, with all hooks that run for it. */
interface RouterRoute {
  readonly method: string;
  readonly path?: string;
  readonly pattern?: string;
  readonly store: { readonly [hook: string]: unknown; readonly config?: { readonly url?: string; readonly tokenward?: unknown } };
}

/** The hooks that run before a handler, in their order. */
const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const;

/** Lists the routes of an app of Fastify. It starts the app's plugins, and listens nowhere. */
export async function fastifyRoutes(app: FastifyApp): Promise<readonly FoundRoute[]> {
  await app.ready();
  const own = routerRoutes(app).filter(isOfApp);
  return own.map((route): FoundRoute => {
    const { store, method } = route;
    const url = store.config?.url ?? route.path ?? route.pattern ?? '';
    const hooks = HOOKS.flatMap((name) => (store[name] ?? []) as readonly unknown[]);
    const demands = hooks.flatMap((hook) => demandsIn(hook, { method, url, config: store.config, handler: store['handler'] }) ?? []);
    const isPublic = demands.length === 0 && store.config?.tokenward === 'public';
    return {
      method,
      path: url,
      demands,
      note: isPublic ? 'declared public' : undefined,
      handlers: [store['handler']],
      config: store.config,
      sample: samplePath(url, (tried) => isMatch(url, tried)),
    };
  });
}

/** Fastify itself adds a HEAD to each GET, and marks it. A router without that mark is too old or too new: then every HEAD beside a GET counts as added. */
function isOfApp({ method, path, store }: RouterRoute, _index: number, all: readonly RouterRoute[]): boolean {
  if (method !== 'HEAD') return true;
  const mark = Object.getOwnPropertySymbols(store).find(({ description }) => description === 'fastify.routeByFastify');
  return mark ? (store as Readonly<Record<symbol, unknown>>)[mark] !== true : !all.some((other) => other.method === 'GET' && other.path === path);
}

/** Whether the expressions that a URL pattern gives for its parameters accept a path. */
function isMatch(url: string, path: string): boolean {
  const source = url.replaceAll(/::|\*|:\w+(?:\(((?:[^()]|\([^()]*\))*)\))?|[.+?^$|[\]\\]/g, (token: string, expression: string | undefined) => {
    if (token === '::') return ':';
    if (token === '*') return '.*';
    return token.startsWith(':') ? `(?:${(expression ?? '[^/]+').replace(/^\^|\$$/g, '')})` : `\\${token}`;
  });
  try {
    return new RegExp(`^${source}$`).test(path);
  } catch {
    return false;
  }
}

/**
 * Fastify prints its routes, and asks its router for the data of each. The router takes the function that reads the data from the options, so this asks for
 * the routes themselves.
 */
function routerRoutes(app: FastifyApp): readonly RouterRoute[] {
  const seen: RouterRoute[] = [];
  const options = {
    includeMeta: true,
    get buildPrettyMeta() {
      return (route: RouterRoute): object => {
        // a copy: the router combines the methods of equal routes afterwards
        seen.push({ ...route });
        return {};
      };
    },
    set buildPrettyMeta(_default: unknown) {
      // the router sets its own
    },
  };
  app.printRoutes(options);
  return seen;
}
