import { didYouMean, isGuard, misuse, type NativeGuard, type RequirementsFor, type RoutePolicy } from '@tokenward/core/adapter';
import type { FastifyContextConfig, FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { ConfigurationError } from '@tokenward/core';
import { isPolicy } from '@tokenward/core';
import type { CreateGuarding } from './guarding.js';
import { IN_TIME, rememberScope, withDemands, type Demands, type DocumentedGuard } from './route-demands.js';
import type { FastifyGuardOptions } from './options.js';

type RulesOptions = Pick<FastifyGuardOptions, 'protect' | 'failOnUnguarded'> & { readonly decorator: string };
type Requirements = RequirementsFor<FastifyRequest>;
type RouteDemands = Pick<Demands, 'credentials' | 'policies'>;
type Route = Pick<RouteOptions, 'config' | 'method' | 'url'>;

/** What applies `config.tokenward`, `protect` and `failOnUnguarded` to the routes of one plugin's scope. */
export interface RouteRules {
  /** An `onRoute` hook that reads the rule of a route and adds its guard. */
  readRoute(this: FastifyInstance, route: RouteOptions): void;
  /** Returns what the route of a request needs, if the route was added before the plugin could read its rule. */
  ruleFor(request: FastifyRequest): Requirements | undefined;
  /** Does the same as `ruleFor`, for an OpenAPI document: returns what a route needs. */
  unseenDemands(route: RouteOptions): Demands | undefined;
  /**
   * Checks the routes once all are added: a hook of another plugin may have removed guards or changed rules.
   *
   * @throws ConfigurationError if a route has a rule that no plugin reads, got one too late, or has lost a guard
   */
  checkRoutes(): void;
}

/** Handlers of logout tokens and security events, which authenticate the sender themselves. */
const receivers = new WeakSet<object>();

/** Marks the handler of a route for logout tokens or security events, which needs no guard. */
export function markReceiver<F extends object>(handler: F): F {
  receivers.add(handler);
  return handler;
}

/** Returns whether a handler needs no guard. */
export function isReceiver(handler: object): boolean {
  return receivers.has(handler);
}

/** The guards that were created from rules. A plugin that copies a route copies its hooks, and with them such guards. */
const made = new WeakMap<object, { readonly by: object; readonly rule: unknown }>();

export function createRouteRules(
  { protect, failOnUnguarded, decorator }: RulesOptions,
  guarding: CreateGuarding,
  { requirementsFor }: Pick<NativeGuard<FastifyRequest, never>, 'requirementsFor'>,
  documented: DocumentedGuard,
): RouteRules {
  /** Marks the configuration of a route whose rule was read. The mark is the route itself, since a configuration may be copied to another route. */
  const seen = Symbol('seen');
  const unread: { readonly where: string; readonly scope: FastifyInstance }[] = [];
  const known: { readonly route: RouteOptions; readonly rule: unknown; readonly guards: readonly Placed[] }[] = [];
  const readsConfig = decorator === 'guard';

  function ruleOf(route: Route, hooks: readonly object[]): RouteDemands | undefined {
    const { config, method } = route;
    const where = nameOf(route);
    assertNoTypo(where, config);
    const rule: unknown = readsConfig ? config?.tokenward : undefined;
    if (rule !== undefined && hooks.some((hook) => isGuard(hook) && !made.has(hook))) {
      throw misuse(where, 'has a guard in onRequest and config.tokenward. Use one of them');
    }
    if (hooks.some((hook) => (rule === undefined ? isGuard(hook) : isMade(hook, rule))) || rule === 'public') return undefined;
    if (rule !== undefined) return demandsOfRule(where, rule);
    // a route for OPTIONS alone may belong to another plugin, where users cannot add a guard; this guard lets preflights pass
    if (failOnUnguarded === true && String(method) !== 'OPTIONS')
      throw misuse(where, "has no guard. Add onRequest: app.guard(...), or config: { tokenward: ... }, which may be 'public'");
    return protect === 'all' || failOnUnguarded === true ? ANY_TOKEN : undefined;
  }

  function isMade(hook: object, rule: unknown): boolean {
    const known = made.get(hook);
    return known?.by === guarding && known.rule === rule;
  }

  return {
    readRoute(this: FastifyInstance, route) {
      rememberScope(route, this);
      const config = route.config;
      if (config && Reflect.get(config, seen) === route) return;
      assertInTime(route);
      const hooks = [route.onRequest ?? []].flat();
      const rule = receivers.has(route.handler) ? undefined : ruleOf(route, hooks);
      if (!readsConfig && config?.tokenward !== undefined && !receivers.has(route.handler)) unread.push({ where: nameOf(route), scope: this });
      route.config = { ...config, [seen]: route } as FastifyContextConfig;
      if (rule) {
        const { credentials, policies } = rule;
        const guard = withDemands(guarding(requirementsFor(credentials, policies)), () => ({ guard: documented, ...rule }));
        made.set(guard, { by: guarding, rule: readsConfig ? config?.tokenward : undefined });
        route.onRequest = [guard as never, ...hooks];
      }
      known.push({ route, rule: config?.tokenward, guards: guardsIn(route) });
    },
    ruleFor(request) {
      const { url, method, config } = request.routeOptions;
      if (url === undefined || seen in config) return undefined;
      if (!readsConfig && config.tokenward !== undefined && !request.server.hasDecorator('guard')) throw unreadRule(nameOf({ method, url }));
      const rule = ruleOf({ url, method, config }, []);
      return rule && requirementsFor(rule.credentials, rule.policies);
    },
    unseenDemands(route) {
      const rule = seen in (route.config ?? {}) ? undefined : ruleOf(route, []);
      return rule && { guard: documented, ...rule };
    },
    checkRoutes() {
      for (const { route, rule, guards } of known) {
        const left = guardsIn(route);
        const lost = guards.find(({ guard }) => !left.some((kept) => kept.guard === guard));
        if (lost) throw lostGuard(route, lost.slot);
        const now: unknown = route.config?.tokenward;
        if (readsConfig && now !== rule && now !== undefined && now !== 'public' && !receivers.has(route.handler)) throw misuse(nameOf(route), TOO_LATE_RULE);
      }
      const stillUnread = unread.filter(({ scope }) => !scope.hasDecorator('guard'));
      if (stillUnread.length > 0) throw unreadRule(stillUnread.map(({ where }) => where).join('; '), decorator);
    },
  };
}

const ANY_TOKEN: RouteDemands = { credentials: 'required', policies: [] };

/** @throws ConfigurationError if the value is not a rule */
function demandsOfRule(where: string, rule: unknown): RouteDemands {
  if (rule === 'optional' || rule === 'required') return { credentials: rule, policies: [] };
  if (isPolicy(rule) || typeof rule === 'function') return { credentials: 'required', policies: [rule as RoutePolicy<FastifyRequest>] };
  if (Array.isArray(rule) && rule.length > 0) return { credentials: 'required', policies: rule as RoutePolicy<FastifyRequest>[] };
  throw misuse(where, "has a config.tokenward that is not 'public', 'optional', 'required', a policy or a list of policies");
}

function unreadRule(where: string, decorator = 'another name'): ConfigurationError {
  return misuse(
    where,
    `has a config.tokenward, which only a plugin with the decorator "guard" reads, and the one here has "${decorator}". Add onRequest to the route, or register a plugin with the decorator "guard"`,
  );
}

const TOO_LATE = ['preSerialization', 'onSend', 'onError', 'onResponse', 'onTimeout', 'onRequestAbort'] as const;

interface Placed {
  readonly slot: (typeof IN_TIME)[number];
  readonly guard: object;
}

function guardsIn(route: RouteOptions): Placed[] {
  return IN_TIME.flatMap((slot) => ([route[slot] ?? []].flat() as object[]).filter((hook) => isGuard(hook)).map((guard) => ({ slot, guard })));
}

/** Registering that plugin earlier is not enough: its hook would remove the route's guard before this plugin sees it. */
function lostGuard(route: RouteOptions, slot: string): ConfigurationError {
  return misuse(
    nameOf(route),
    `has lost the guard in its ${slot}: an onRoute hook of another plugin removed or wrapped it. Change that hook, or add config: { tokenward: ... } to the route and register that plugin before @tokenward/fastify`,
  );
}

const TOO_LATE_RULE = "got its config.tokenward after @tokenward/fastify had read it, from another plugin's onRoute hook. Register that plugin first";

/** @throws ConfigurationError if a guard is added with `addHook` as a hook that runs after the handler */
export function assertHookInTime(name: string, hook: unknown): void {
  if (typeof hook !== 'function' || !isGuard(hook) || !TOO_LATE.some((late) => late === name)) return;
  throw misuse(`app.addHook('${name}', ...)`, "has a guard, but runs after the handler. Write app.addHook('onRequest', app.guard(...))");
}

/** @throws ConfigurationError if a route has a guard as a hook that runs after the handler */
function assertInTime(route: RouteOptions): void {
  const late = TOO_LATE.find((name) => [route[name] ?? []].flat().some((hook) => isGuard(hook)));
  if (late === undefined) return;
  throw misuse(nameOf(route), `has a guard in ${late}, which runs after the handler. Use onRequest`);
}

const KEY = 'tokenward';

/** A rule under a mistyped name would not be read, and the route would be open. */
function assertNoTypo(where: string, config: object | undefined): void {
  for (const key of Object.keys(config ?? {})) {
    const meant = key === KEY ? '' : didYouMean(key.replace(/[^a-z]/gi, ''), [KEY]);
    if (meant !== '') throw misuse(where, `has config.${key}, which nobody reads${meant.replace(KEY, `config.${KEY}`)}`);
  }
}

function nameOf({ method, url }: Pick<RouteOptions, 'method' | 'url'>): string {
  return `${[method].flat().join(', ')} ${url}`;
}
