import { misuse } from '../lib/configuration-error.js';
import { assertPossible, combine } from '../policy/combinations.js';
import * as constructors from '../policy/constructors.js';
import { assertPolicy, isPolicy } from '../policy/kinds.js';
import type { Policy } from '../policy/policy.js';
import type { RouteRequirements } from '../policy/route-requirements.js';
import { isThenable } from '../lib/thenable.js';
import { guardDemandsOf, withDemands } from './guard-demands.js';

/**
 * A policy, or a function that returns one for a request, for example from the route's parameters. The function must return the policy at once. If it
 * throws, or returns anything else, the request is refused.
 *
 * @example guard((req) => claim('tenant', req.params.tenant))
 */
export type RoutePolicy<Request> = Policy | ((request: Request) => Policy);

/** Returns the {@link RouteRequirements} for a request. */
export type RequirementsFor<Request> = (request: Request, preflight?: 'pass' | 'refuse') => RouteRequirements;

/**
 * Returns a function that turns the arguments of a route's guard into {@link RouteRequirements} for each request.
 *
 * @throws ConfigurationError if an argument is not a policy: an `undefined` by mistake would guard nothing; and if no token can satisfy all of the policies
 */
export function requirementsFor<Request>(credentials: 'required' | 'optional', policies: readonly RoutePolicy<Request>[]): RequirementsFor<Request> {
  const requirements = requirementsForCall(credentials, policies);
  assertPossible('guard(...)', policies.filter(isPolicy));
  return requirements;
}

/**
 * Does the same for policies that are given together with a request. They may contradict each other, since the request may have chosen them: then the guard refuses.
 *
 * @throws ConfigurationError if an argument is not a policy
 */
export function requirementsForCall<Request>(credentials: 'required' | 'optional', policies: readonly RoutePolicy<Request>[]): RequirementsFor<Request> {
  policies.forEach((part, index) => assertRoutePolicy(`guard(...) argument ${index + 1}`, part));
  if (policies.every(isPolicy)) {
    const forAll = requirementsOf(credentials, policies);
    const withPreflights = requirementsOf(credentials, policies, 'pass');
    return (_request, preflight) => (preflight === 'pass' ? withPreflights : forAll);
  }
  return (request, preflight) =>
    requirementsOf(
      credentials,
      policies.map((part) => (typeof part === 'function' ? policyOf(part, request) : part)),
      preflight,
    );
}

/**
 * Returns {@link RouteRequirements} that ask for credentials and all of the policies.
 *
 * @throws ConfigurationError if a policy is not one: an `undefined` by mistake would guard nothing
 */
export function requirementsOf(credentials: 'required' | 'optional', policies: readonly Policy[], preflight: 'pass' | 'refuse' = 'refuse'): RouteRequirements {
  return Object.freeze({ credentials, policy: combine(policies), preflight });
}

/** A failure becomes a policy that refuses. So a request without a token still gets a 401, and operators see what failed. */
function policyOf<Request>(make: (request: Request) => Policy, request: Request): Policy {
  try {
    const made: unknown = make(request);
    if (isPolicy(made))
      return allOf(
        made,
        policy(COMPUTED, (_auth, seen) => typeof seen?.target === 'string'),
      );
    if (isThenable(made)) Promise.resolve(made).catch(() => {});
    throw new TypeError(`the function given to guard(...) returned ${isThenable(made) ? 'a promise' : typeof made}. Return a policy from it, at once`);
  } catch (error) {
    return policy(COMPUTED, () => {
      throw error;
    });
  }
}

/** The policy's name for operators. A policy with this name refuses if the target is ambiguous, like every predicate that reads the target. */
const COMPUTED = 'computed from the request';

const { allOf, policy } = constructors;
const MAKERS: ReadonlySet<unknown> = new Set(Object.values(constructors));

function assertRoutePolicy(path: string, value: unknown): void {
  if (typeof value !== 'function') return assertPolicy(path, value);
  if (MAKERS.has(value)) throw misuse(path, `is ${value.name} itself. Call it: ${value.name}(...)`);
  if (isGuard(value)) throw misuse(path, 'is a guard, not a policy. Put two guards next to each other, or both policies into one guard');
  // middleware takes more parameters, and a function without any cannot read the request
  if (value.length !== 1) {
    throw misuse(path, `is a function of ${value.length} parameters. Use a policy such as scope('orders:read'), or (request) => policy`);
  }
}

const GUARD = Symbol.for('tokenward.guard');

/**
 * Marks a function as a guard, so that it is recognised if it is used as a policy.
 *
 * @param requirements of `NativeGuard.requirementsFor`, whose demands {@link guardDemandsOf} then returns
 */
export function markGuard<F extends object>(guard: F, requirements?: object): F {
  const demands = requirements && guardDemandsOf(requirements);
  return Object.defineProperty(demands ? withDemands(guard, demands) : guard, GUARD, { value: true });
}

/** Returns whether a value is a guard of any adapter. */
export function isGuard(value: unknown): boolean {
  return typeof value === 'function' && (value as { [GUARD]?: unknown })[GUARD] === true;
}
