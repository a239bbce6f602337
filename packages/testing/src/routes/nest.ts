import type { GuardDemands } from '@tokenward/core/adapter';
import { expressRoutes, isExpress } from './express.js';
import { fastifyRoutes, isFastify } from './fastify.js';
import type { FoundRoute } from './route.js';

/** The part of a Nest application that leads to its routes. */
export interface NestApp {
  init(): Promise<unknown>;
  getHttpAdapter(): { getInstance(): unknown };
  get(token: symbol, options: { readonly strict: false }): unknown;
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
  const platform = platformOf(app);
  const routes = isFastify(platform) ? await fastifyRoutes(platform) : isExpress(platform) ? expressRoutes(platform) : [];
  return routes.flatMap((route) => ofNest(route, rules) ?? []);
}

/** Returns undefined for what Nest itself answers. */
function ofNest(route: FoundRoute, rules: readonly HttpRule[] | undefined): FoundRoute | undefined {
  const { handlers = [], config = {} } = route;
  const marked: readonly Place[] = (config as { readonly [PLACES]?: readonly Place[] })[PLACES] ?? [];
  const places = [...handlers.flatMap(placesAt), ...marked];
  if (places.length === 0) {
    if (isNotFound(route)) return undefined;
    return rules && !route.isUnknown ? { ...route, note: route.note ?? "is no handler of Nest, so Nest's guards do not run for it" } : route;
  }
  const found = rules?.filter(({ owner, method }) => places.some((place) => place.owner === owner && place.method === method)) ?? [];
  return found.length > 0 ? withRules(route, found) : route;
}

/** Nest answers 404 for whatever is below its global prefix. */
function isNotFound({ method, path }: FoundRoute): boolean {
  return method === 'ALL' && path.endsWith('*path');
}

export function platformOf(app: NestApp): object {
  return Object(app.getHttpAdapter().getInstance()) as object;
}

/** Several classes may inherit one method, and one method may have several paths. */
function withRules(route: FoundRoute, found: readonly HttpRule[]): FoundRoute {
  const fitting = found.filter(({ path }) => isOnWay(path, route.path));
  const rules = fitting.length > 0 ? fitting : found;
  const names = [...new Set(rules.map(({ name }) => name))];
  const texts = new Set(rules.map(({ demands }) => demands && [demands.credentials, ...demands.policies.map(String)].join()));
  const handler = names.join(' or ');
  if (texts.size !== 1) return { ...route, handler, isUnknown: true, note: 'several handlers share this method, and Nest does not show which of them answers' };
  const { demands } = rules[0]!;
  return demands ? { ...route, handler, demands: [...route.demands, demands] } : { ...route, handler, note: 'declared public' };
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
  const { getMetadata } = Reflect as { readonly getMetadata?: (key: symbol, target: object) => readonly Place[] | undefined };
  return typeof handler === 'function' ? (getMetadata?.(PLACES, handler) ?? []) : [];
}

/** Returns undefined for an application without a guard. */
function rulesOf(app: NestApp): readonly HttpRule[] | undefined {
  try {
    return (app.get(GUARDS, { strict: false }) as { httpRules(): readonly HttpRule[] }).httpRules();
  } catch {
    return undefined;
  }
}
