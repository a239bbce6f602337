import type { GuardDemands } from '@tokenward/core/adapter';
import { expressRoutes, isExpress } from './express.js';
import { fastifyRoutes, isFastify } from './fastify.js';
import { internalsOf, type Internals } from './nest-internals.js';
import type { FoundRoute } from './route.js';
import { hostVariants, versionVariants, withVariants } from './variants.js';

/** The part of a Nest application that leads to its routes. */
export interface NestApp {
  init(): Promise<unknown>;
  getHttpAdapter(): { getInstance(): unknown };
  get(token: symbol, options: { readonly strict: false }): unknown;
  readonly config?: { getVersioning?(): Versioning | undefined };
}

/** How an application tells versions of a handler apart: by a header, by a part of `Accept`, or by a function. Otherwise paths contain them. */
interface Versioning {
  readonly header?: string;
  readonly key?: string;
  readonly extractor?: unknown;
  readonly defaultVersion?: unknown;
}

export function isNest(app: object): app is NestApp {
  const { getHttpAdapter, init, get } = app as Partial<NestApp>;
  return [getHttpAdapter, init, get].every((one) => typeof one === 'function');
}

/** What `Guards` of `@tokenward/nestjs` says about a handler. */
interface HttpRule {
  readonly owner: object;
  readonly method: unknown;
  readonly name: string;
  readonly path: string;
  /** undefined: the handler is public. */
  readonly demands: GuardDemands | undefined;
}

/** Lists the routes of a Nest application: those of its platform, with the rules of their handlers. It initialises the application, and listens nowhere. */
export async function nestRoutes(app: NestApp): Promise<readonly FoundRoute[]> {
  await app.init();
  const rules = rulesOf(app);
  const versioning = app.config?.getVersioning?.();
  const internals = await internalsOf(app);
  const platform = platformOf(app);
  if (isFastify(platform)) {
    const routes = await fastifyRoutes(platform, (version) => askVersion(version, versioning));
    // Fastify shows the versions of its routes
    return routes.flatMap((route) => ofNest(route, rules, undefined));
  }
  const routes = isExpress(platform) ? expressRoutes(platform) : [];
  return answering(routes, internals).flatMap((route) => (route.isMiddleware ? [route] : ofNest(route, rules, versioning)));
}

/**
 * Leaves out Nest's answer of 404, and marks middleware. A request to a handler passes the middleware of the same method and path, so such middleware is no route of
 * its own.
 */
function answering(routes: readonly FoundRoute[], { isNotFound, isMiddleware }: Internals): readonly FoundRoute[] {
  const isOnly = ({ handlers = [] }: FoundRoute, is: (handler: unknown) => boolean): boolean => handlers.length > 0 && handlers.every(is);
  // Nest registers the middleware of a controller's root with a slash at the end, and its handler without
  const nameOf = ({ method, path }: FoundRoute): string => `${method} ${path.replace(/\/$/, '')}`;
  const all = routes.filter((route) => !isOnly(route, isNotFound));
  const named = new Set(all.filter((route) => !isOnly(route, isMiddleware)).map(nameOf));
  return all.flatMap((route) => {
    if (!isOnly(route, isMiddleware)) return [route];
    if (named.has(nameOf(route))) return [];
    named.add(nameOf(route));
    return [{ ...route, isMiddleware: true, isUnknown: true, note: noteOn(route, MIDDLEWARE) }];
  });
}

const MIDDLEWARE = "is middleware, so Nest's guards do not run for it. Only a request shows whether it answers";

function ofNest(route: FoundRoute, rules: readonly HttpRule[] | undefined, versioning: Versioning | undefined): readonly FoundRoute[] {
  const { handlers = [], config = {} } = route;
  const marked: readonly Place[] = (config as { readonly [PLACES]?: readonly Place[] })[PLACES] ?? [];
  const places = [...handlers.flatMap(placesAt), ...marked];
  if (places.length === 0) {
    return [rules && !route.isUnknown ? { ...route, note: route.note ?? "is not a handler of Nest, so Nest's guards do not run for it" } : route];
  }
  const found = rules?.filter(({ owner, method }) => places.some((place) => place.owner === owner && place.method === method)) ?? [];
  if (found.length === 0) return [route];
  // several classes may inherit one method, and one method may have several paths
  const fitting = found.filter(({ path }) => isOnWay(path, route.path));
  const ofRoute = fitting.length > 0 ? fitting : found;
  const versions = ofRoute.flatMap((rule) => versionsOf(rule, versioning));
  const hosts = ofRoute.flatMap(({ owner }) => metadataOf('host', owner));
  const asked = versionVariants(versions, (version) => askVersion(version, versioning));
  return withVariants(withVariants([withRules(route, ofRoute)], asked), hostVariants(hosts, sampleHost));
}

/** Returns the versions that a header tells apart. */
function versionsOf({ owner, method }: HttpRule, versioning: Versioning | undefined): unknown {
  if (!versioning || !['header', 'key', 'extractor'].some((name) => name in versioning)) return undefined;
  return metadataOf('__version__', method as object) ?? metadataOf('__version__', owner) ?? versioning.defaultVersion;
}

function askVersion(version: string, { header, key }: Versioning = {}): Readonly<Record<string, string>> | undefined {
  if (header !== undefined) return { [header]: version };
  return key === undefined ? undefined : { accept: `application/json;${key}${version}` };
}

/** Returns a host for a pattern such as `:tenant.example.com` or `{www.}example.com`. */
function sampleHost(pattern: string): string {
  return pattern.replaceAll(/\{[^{}]*\}/g, '').replaceAll(/[:*][A-Za-z_]\w*/g, 'a');
}

export function platformOf(app: NestApp): object {
  return Object(app.getHttpAdapter().getInstance()) as object;
}

function withRules(route: FoundRoute, rules: readonly HttpRule[]): FoundRoute {
  const names = [...new Set(rules.map(({ name }) => name))];
  const texts = new Set(rules.map(({ demands }) => demands && [demands.credentials, ...demands.policies.map(String)].join()));
  const handler = names.join(' or ');
  if (texts.size !== 1) return { ...route, handler, isUnknown: true, note: noteOn(route, SHARED) };
  const { demands } = rules[0]!;
  if (demands) return { ...route, handler, demands: [...route.demands, demands] };
  return { ...route, handler, note: noteOn(route, 'declared public') };
}

const SHARED = 'several handlers share this method, and Nest does not show which of them answers';

function noteOn({ note }: FoundRoute, more: string): string {
  return note === undefined ? more : `${more}; ${note}`;
}

/** Whether a path leads to a route, apart from a segment for the API version. */
function isOnWay(path: string, route: string): boolean {
  const wanted = path.split('/');
  let next = 0;
  for (const segment of route.split('/')) if (segment === wanted[next]) next++;
  return next === wanted.length;
}

/** The registered token of the guards of a Nest application. */
const GUARDS = Symbol.for('tokenward.guards');
/** The registered key by which `@tokenward/nestjs` marks the handlers. */
const PLACES = Symbol.for('tokenward.places');

interface Place {
  readonly owner: object;
  readonly method: unknown;
}

function placesAt(handler: unknown): readonly Place[] {
  return typeof handler === 'function' ? ((metadataOf(PLACES, handler) as readonly Place[] | undefined) ?? []) : [];
}

function metadataOf(key: string | symbol, target: object): unknown {
  const { getMetadata } = Reflect as { readonly getMetadata?: (key: string | symbol, target: object) => unknown };
  return getMetadata?.(key, target);
}

/** Returns undefined for an application without a guard. */
function rulesOf(app: NestApp): readonly HttpRule[] | undefined {
  try {
    return (app.get(GUARDS, { strict: false }) as { httpRules(): readonly HttpRule[] }).httpRules();
  } catch {
    return undefined;
  }
}
