import { AssertionError } from 'node:assert';
import { createHmac, randomBytes } from 'node:crypto';
import { ACT_IN_TESTS, misuse, type TestTickets } from '@tokenward/core/adapter';
import { base64url, compactJws } from './compact-jws.js';
import { exceptedRoutes } from './routes/exceptions.js';
import { findRoutes } from './routes/find-routes.js';
import { routeOf, type FoundRoute } from './routes/route.js';
import { connectTo, type AppClient } from './send-to-app.js';
import { assertOptions, CALLER_OPTIONS, type CallerOptions } from './caller-options.js';

export interface ProtectedOptions {
  /**
   * Routes that are meant to be open: `GET /health`, or `GET /docs/*` for all routes below a path. `*` in place of the method stands for every method. Each
   * must name a route of the app, and stands for all its versions and hosts.
   */
  readonly except?: readonly string[] | undefined;
  /**
   * Requires every route to refuse a valid token without scopes, also those whose guard shows no scope. A handler that is reached nevertheless runs.
   * Default: false.
   */
  readonly requireScopes?: boolean | undefined;
  /** The caller of the token without scopes: claims that the guard requires, for example. */
  readonly caller?: Omit<CallerOptions, 'scopes'> | undefined;
  /** How long an answer may take, in seconds. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
}

const OPTIONS: readonly (keyof ProtectedOptions)[] = ['except', 'requireScopes', 'caller', 'timeoutSeconds'];
const MAX_ROUTES = 2000;

/**
 * Asserts that every route of an app refuses requests without a good token. It asks the framework for its routes, and sends to each: no token, a token of
 * somebody else's issuer, and a valid one without scopes if the guard of the route requires scopes.
 *
 * A refused request never reaches the handler, so routes that change data are safe to try. If a route is open, its handler runs, once, with an empty body: run it
 * against a test database. The error then names the route, and further requests are not sent to it.
 *
 * @param app of Express, Fastify, Koa with `@koa/router`, NestJS or Hono. Express, Koa and NestJS listen on a port of loopback meanwhile
 * @throws AssertionError that lists every route that did not refuse a request, and how it answered. An answer of 5xx is not a refusal, because the handler may
 *   have run and failed, except for a 503 to the token of somebody else's issuer. Middleware of NestJS may answer 404
 * @throws ConfigurationError for an app without routes, and for an exception that names no route
 *
 * @example await assertProtected(app, { except: ['GET /health'] });
 */
export async function assertProtected(app: object, options: ProtectedOptions = {}): Promise<void> {
  assertOptions('assertProtected(app, options)', options, OPTIONS);
  const { except = [], requireScopes = false, caller = {}, timeoutSeconds = 5 } = options;
  assertOptions(
    'caller',
    caller,
    CALLER_OPTIONS.filter((name) => name !== 'scopes'),
  );
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 60)) throw misuse('timeoutSeconds', 'must be a number of seconds, up to 60');
  const routes = distinct(await findRoutes(app));
  if (routes.length === 0) throw misuse('assertProtected()', 'found no route in the app. Add the routes first');
  if (routes.length > MAX_ROUTES) throw misuse('assertProtected()', `found more than ${MAX_ROUTES} routes. Pass the routers one by one`);
  const excepted = exceptedRoutes(except, routes);
  const client = await connectTo(app, timeoutSeconds * 1000);
  const findings: string[] = [];
  try {
    for (const route of routes) {
      if (excepted.has(route)) continue;
      for (const method of route.method === 'ALL' ? ['GET', 'POST'] : [route.method]) {
        const finding = await tryRoute(client, { ...route, method }, requireScopes, caller);
        if (finding === undefined) continue;
        findings.push(`${`${route.method} ${route.path}`.padEnd(28)} ${finding}${hintOf(route)}`);
        break;
      }
    }
  } finally {
    await client.close();
  }
  if (findings.length > 0) throw failed(findings);
}

type Tried = (typeof TRIES)[number];
const TRIES = ['without a token', 'with a token of another issuer', 'with a valid token that has no scopes'] as const;

/** Returns what the route did wrong, or undefined. */
async function tryRoute(client: AppClient, route: FoundRoute, requireScopes: boolean, caller: object): Promise<string | undefined> {
  const { sample, method, headers } = route;
  if (sample === undefined) return `was not tried: ${route.note ?? 'no path was found that its pattern matches'}`;
  for (const how of TRIES) {
    const authorization = how === TRIES[1] ? foreignToken() : how === TRIES[2] ? tokenWithoutScopes(route, requireScopes, caller) : undefined;
    if (authorization instanceof Error) return `was not tried ${how}: ${authorization.message}`;
    if (authorization === undefined && how !== TRIES[0]) continue;
    const status = await client
      .send(method, sample, authorization === undefined ? { ...headers } : { ...headers, authorization })
      .catch((error: unknown) => reasonOf(error));
    if (route.isMiddleware && status === 404) {
      // no handler is behind this middleware, so no other try could reach one
      if (how === TRIES[1]) return undefined;
      continue;
    }
    if (!isRefusal(status, how)) return `${answered(status)} ${how}${isError(status) ? ': an error, not a refusal' : ''}`;
  }
  return undefined;
}

function answered(status: number | string): string {
  return typeof status === 'number' ? `answered ${status}` : status;
}

/** The handler may have run and failed. */
function isError(status: number | string): boolean {
  return typeof status === 'number' && status >= 500;
}

/** What guards answer. 503: without the issuer's keys, nobody can say whose token it is. */
function isRefusal(status: number | string, how: Tried): boolean {
  if (how === TRIES[0]) return status === 401 || status === 403;
  if (how === TRIES[1]) return status === 401 || status === 403 || status === 503;
  return status === 401 || status === 403;
}

/** A token that nobody issued: its issuer and its key are made up. */
function foreignToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://issuer.invalid', sub: 'somebody', aud: 'https://api.invalid', iat: now, exp: now + 300, jti: crypto.randomUUID() };
  const header = base64url(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: crypto.randomUUID() }));
  const key = randomBytes(32);
  return `Bearer ${compactJws(header, base64url(JSON.stringify(claims)), (bytes) => Buffer.concat(Array.from({ length: 8 }, () => createHmac('sha256', key).update(bytes).digest())))}`;
}

/** Returns undefined for a route that need not refuse such a token, and an error if no token for its guard can be made. */
function tokenWithoutScopes(route: FoundRoute, requireScopes: boolean, caller: object): string | Error | undefined {
  const needsScopes = routeOf(route).policies.some(({ scopes }) => scopes.length > 0);
  if (!needsScopes && !requireScopes) return undefined;
  const guard: { readonly [ACT_IN_TESTS]?: () => TestTickets } | undefined = route.demands.find((one) => one.guard !== undefined)?.guard;
  const method = guard?.[ACT_IN_TESTS];
  if (typeof method !== 'function') return new Error('no guard was found in front of it. A guard that the handler calls itself cannot be seen');
  try {
    return `Bearer ${method().issue({ ...caller, scopes: [] })}`;
  } catch (error) {
    return new Error(`${(error as Error).message} Set caller: assertProtected(app, { caller: { ... } })`);
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `failed (${cause.message})` : message.startsWith('gave no answer') ? message : `failed (${message})`;
}

function hintOf({ demands, note, handler, sample }: FoundRoute): string {
  const hints = [
    ...(handler === undefined ? [] : [handler]),
    ...(demands.length > 0 && demands.every(({ credentials }) => credentials === 'optional') ? ['its guard is optional'] : []),
    ...(demands.length === 0 && sample !== undefined ? ['no guard was found in front of it'] : []),
    ...(note === undefined || sample === undefined ? [] : [note]),
  ];
  return hints.length > 0 ? ` (${hints.join('; ')})` : '';
}

function failed(findings: readonly string[]): AssertionError {
  const [is, them] =
    findings.length === 1 ? ['1 route does not refuse what it should', 'it'] : [`${findings.length} routes do not refuse what they should`, 'one'];
  return new AssertionError({
    message: `${is}:\n${findings.map((one) => `  ${one}`).join('\n')}\nIf ${them} is meant to be open, add it: assertProtected(app, { except: ['GET /health'] })`,
    operator: 'assertProtected',
    stackStartFn: assertProtected,
  });
}

/** Of routes with the same method and path, the framework takes the first, unless their version or host is another. */
function distinct(routes: readonly FoundRoute[]): readonly FoundRoute[] {
  const names = new Set<string>();
  return routes.filter(({ method, path, headers, sample, note }) => {
    const name = JSON.stringify([method, path, headers ?? {}, sample === undefined && note]);
    if (names.has(name)) return false;
    names.add(name);
    return true;
  });
}
