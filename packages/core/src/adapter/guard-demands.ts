import type { Policy } from '../policy/policy.js';

/** What a guard demands of requests, for lists of routes. */
export interface GuardDemands {
  readonly credentials: 'required' | 'optional';
  /** A function makes its policy from each request. */
  readonly policies: readonly (Policy | ((request: never) => Policy))[];
  /** The guard that decides, at which a test may act as somebody. */
  readonly guard?: object | undefined;
}

const DEMANDS = Symbol.for('tokenward.guardDemands');

type DemandsOn = GuardDemands | ((route: object) => GuardDemands | undefined);

/**
 * Records what a function of a framework's chain demands.
 *
 * @param demands a function returns them for a route, in the framework's form
 */
export function withDemands<F extends object>(handle: F, demands: DemandsOn): F {
  return Object.defineProperty(handle, DEMANDS, { value: demands, configurable: true });
}

/** Does the same for a function that the framework binds to an object: Fastify keeps only such copies of its hooks. */
export function withBoundDemands<F extends (...given: never[]) => unknown>(handle: F, demands: DemandsOn): F {
  function bind(this: F, ...given: unknown[]): unknown {
    return withDemands(Reflect.apply(Function.prototype.bind, this, given) as F, demands);
  }

  return Object.defineProperty(withDemands(handle, demands), 'bind', { value: bind, configurable: true });
}

/** Returns what a function of a framework's chain demands, whichever copy of this package recorded it; undefined if it demands nothing, or nothing that is known. */
export function guardDemandsOf(handle: object, route: object = {}): GuardDemands | undefined {
  const demands = (handle as { readonly [DEMANDS]?: DemandsOn })[DEMANDS];
  return typeof demands === 'function' ? demands(route) : demands;
}
