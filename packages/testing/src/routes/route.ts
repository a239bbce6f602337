import { documentedPolicy, guardDemandsOf, isGuard, necessaryScopes, type GuardDemands } from '@tokenward/core/adapter';

/** A policy of a route, for people and for programs. It contains no value of a claim. */
export interface PolicyOfRoute {
  /** What a token needs: "the scope `orders:read`". */
  readonly words: string;
  /** The scopes without which no token satisfies the policy. */
  readonly scopes: readonly string[];
}

/** A route of an app, and what protects it. */
export interface RouteOfApp {
  /** `GET`, or `ALL` for a route that takes every method. */
  readonly method: string;
  /** As the framework has it: `/orders/:id`. */
  readonly path: string;
  /**
   * `required`: a guard requires a token. `optional`: a guard checks a token if there is one. `no-tokenward-guard`: no guard of tokenward is in front of the
   * handler, or the app says that the route is public. Another library may protect it. `unknown`: the framework does not show what is there, so `note` says why.
   */
  readonly protection: 'required' | 'optional' | 'no-tokenward-guard' | 'unknown';
  /** What all guards in front of the handler require together. Empty: any valid token. */
  readonly policies: readonly PolicyOfRoute[];
  /** On NestJS: `OrdersController.list`. */
  readonly handler?: string | undefined;
  readonly note?: string | undefined;
}

/** A route as the framework's reader found it, with more than users need. */
export interface FoundRoute {
  readonly method: string;
  readonly path: string;
  readonly demands: readonly GuardDemands[];
  readonly isUnknown?: boolean;
  /** It may pass requests on. If no handler is behind it, the framework answers 404. */
  readonly isMiddleware?: boolean;
  readonly handler?: string | undefined;
  readonly note?: string | undefined;
  /** The functions behind the guards, and the configuration of the route, by which a framework on top finds its own handlers. */
  readonly handlers?: readonly unknown[] | undefined;
  readonly config?: object | undefined;
  /** A target that the framework's own router matches with the route; undefined if none was found. */
  readonly sample: string | undefined;
  /** What a request must have for the router to take this route, and not one of the same path for another version or host. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Returns a route as users see it. */
export function routeOf({ method, path, demands, isUnknown = false, handler, note }: FoundRoute): RouteOfApp {
  const protection = demands.some(({ credentials }) => credentials === 'required')
    ? 'required'
    : demands.length > 0
      ? 'optional'
      : isUnknown
        ? 'unknown'
        : 'no-tokenward-guard';
  return { method, path, protection, policies: policiesOf(demands), handler, note };
}

function policiesOf(demands: readonly GuardDemands[]): readonly PolicyOfRoute[] {
  const found = demands.flatMap(({ policies }) =>
    policies.map((one) => (typeof one === 'function' ? COMPUTED : { words: documentedPolicy(one).words, scopes: [...necessaryScopes(one)] })),
  );
  return [...new Map(found.map((one) => [one.words, one])).values()];
}

const COMPUTED: PolicyOfRoute = { words: 'a policy that is made from the request', scopes: [] };

/** Tracing replaces a function of a framework, and keeps the original under one of these names; so does Hono with an app that has an error handler. */
const ORIGINALS = ['__original', '__COMPOSED_HANDLER'] as const;
const MAX_WRAPPERS = 16;

/** Returns what a function of a framework's chain demands; undefined if it is not a guard. */
export function demandsIn(handle: unknown, route?: object): GuardDemands | undefined {
  let at: unknown = handle;
  for (let depth = 0; typeof at === 'function' && depth < MAX_WRAPPERS; depth++) {
    const demands = guardDemandsOf(at, route) ?? (isGuard(at) ? ANY_TOKEN : undefined);
    if (demands) return demands;
    at = ORIGINALS.map((name) => Reflect.get(at as object, name) as unknown).find((one) => one !== undefined);
  }
  return undefined;
}

/** A guard of another version of core, which does not say what it demands. */
const ANY_TOKEN: GuardDemands = { credentials: 'required', policies: [] };

/** Returns the demands of the guards that run before the handler. A guard behind the last handler protects nothing. */
export function demandsBefore(handlers: readonly unknown[]): readonly GuardDemands[] {
  const found = handlers.map((one) => demandsIn(one));
  const last = found.findLastIndex((one) => one === undefined);
  return found.slice(0, last < 0 ? found.length : last).filter((one) => one !== undefined);
}
