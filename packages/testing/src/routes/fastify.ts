import { demandsIn, type FoundRoute } from './route.js';
import { samplePath } from './sample-path.js';
import { hostVariants, ownVariants, versionVariants, withVariants, type Variant } from './variants.js';

/** The part of Fastify that shows its routes. */
export interface FastifyApp {
  ready(): PromiseLike<unknown>;
  printRoutes(options: object): string;
  readonly supportedMethods: readonly string[];
  hasRoute(options: { readonly method: string; readonly url: string }): boolean;
  inject(options: object): Promise<{ readonly statusCode: number }>;
}

export function isFastify(app: object): app is FastifyApp {
  const { printRoutes, inject, ready } = app as Partial<FastifyApp>;
  return [printRoutes, inject, ready].every((one) => typeof one === 'function');
}

/** The app's own strategies to tell routes of one path apart, by name. */
type Strategies = Readonly<Record<string, unknown>>;

/** A route of Fastify's router. `store` is the context of the route, with all hooks that run for it. */
interface RouterRoute {
  readonly method: string;
  readonly path?: string;
  readonly pattern?: string;
  readonly opts?: { readonly constraints?: Readonly<Record<string, unknown>> | undefined };
  readonly store: { readonly [hook: string]: unknown; readonly config?: { readonly url?: string; readonly tokenward?: unknown } };
}

/** The hooks that run before a handler, in their order. */
const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const;

/** Returns the headers that ask for a version of a route; undefined if that is unknown. */
type AskVersion = (version: string) => Readonly<Record<string, string>> | undefined;

/**
 * Lists the routes of an app of Fastify, by path. It starts the app's plugins, and listens nowhere.
 *
 * @param askVersion asks for a version if the app's own strategy reads it. Default: nobody knows how
 */
export async function fastifyRoutes(app: FastifyApp, askVersion?: AskVersion): Promise<readonly FoundRoute[]> {
  await app.ready();
  const own = routerRoutes(app).filter(isOfApp);
  const strategies = strategiesOf(app);
  const found = own.flatMap((route) => {
    const { store, method, opts } = route;
    const url = store.config?.url ?? route.path ?? route.pattern ?? '';
    const hooks = HOOKS.flatMap((name) => (store[name] ?? []) as readonly unknown[]);
    const demands = hooks.flatMap((hook) => demandsIn(hook, { method, url, config: store.config, handler: store['handler'] }) ?? []);
    const isPublic = demands.length === 0 && store.config?.tokenward === 'public';
    const one: FoundRoute = {
      method,
      path: url,
      demands,
      note: isPublic ? 'declared public' : undefined,
      handlers: [store['handler']],
      config: store.config,
      sample: samplePath(url, (tried) => isMatch(url, tried)),
    };
    return Object.entries(opts?.constraints ?? {})
      .map(([name, value]) => variantsOf(name, value, strategies, askVersion))
      .reduce<readonly FoundRoute[]>(withVariants, [one]);
  });
  return found.toSorted((one, other) => (one.path < other.path ? -1 : Number(one.path > other.path)));
}

/** Fastify keeps the options of an app under a symbol. */
function strategiesOf(app: object): Strategies {
  const symbol = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.options');
  const options = (symbol && Reflect.get(app, symbol)) as { readonly constraints?: Strategies; readonly routerOptions?: { readonly constraints?: Strategies } };
  return { ...options?.constraints, ...options?.routerOptions?.constraints };
}

function variantsOf(name: string, value: unknown, strategies: Strategies, askVersion: AskVersion | undefined): readonly Variant[] {
  if (name === 'version' && askVersion) return versionVariants(value, askVersion);
  if (Object.hasOwn(strategies, name) || (name !== 'version' && name !== 'host')) return ownVariants(name, value);
  return name === 'host' ? hostVariants(value) : versionVariants(value, (version) => ({ 'accept-version': version }));
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
    method: '',
    includeMeta: true,
    get buildPrettyMeta() {
      return (route: RouterRoute): object => {
        seen.push(route);
        return {};
      };
    },
    set buildPrettyMeta(_default: unknown) {
      // the router sets its own
    },
  };
  // one by one: for all methods at once, the router needs versions that its own strategy reads
  for (const method of app.supportedMethods) app.printRoutes(Object.assign(options, { method }));
  return seen;
}
