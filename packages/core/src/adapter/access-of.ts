import { misuse } from '../lib/configuration-error.js';
import { combine } from '../policy/combinations.js';
import * as constructors from '../policy/constructors.js';
import { assertPolicy, isPolicy } from '../policy/kinds.js';
import type { Policy } from '../policy/policy.js';
import type { RouteRequirements } from '../policy/route-requirements.js';
import { isThenable } from '../lib/thenable.js';

/**
 * A policy, or a function that makes one of the request at hand: of its route's parameters, say. It answers at once; one that throws, or answers
 * something else, refuses.
 *
 * @example guard((req) => claim('tenant', req.params.tenant))
 */
export type RoutePolicy<Request> = Policy | ((request: Request) => Policy);

/** Gives the {@link RouteRequirements} that a request needs. */
export type AccessFor<Request> = (request: Request, preflight?: 'pass' | 'refuse') => RouteRequirements;

/**
 * What a route's guard was called with, for each request.
 *
 * @throws ConfigurationError where a policy is none: one that is `undefined` by a slip would guard nothing
 */
export function accessFor<Request>(credentials: 'required' | 'optional', policies: readonly RoutePolicy<Request>[]): AccessFor<Request> {
  policies.forEach((part, index) => assertRoutePolicy(`guard(...) argument ${index + 1}`, part));
  if (policies.every(isPolicy)) {
    const refusing = accessOf(credentials, policies);
    const passing = accessOf(credentials, policies, 'pass');
    return (_request, preflight) => (preflight === 'pass' ? passing : refusing);
  }
  return (request, preflight) =>
    accessOf(
      credentials,
      policies.map((part) => (typeof part === 'function' ? policyOf(part, request) : part)),
      preflight,
    );
}

/**
 * What a route's guard was called with, as {@link RouteRequirements}.
 *
 * @throws ConfigurationError where a policy is none: one that is `undefined` by a slip would guard nothing
 */
export function accessOf(credentials: 'required' | 'optional', policies: readonly Policy[], preflight: 'pass' | 'refuse' = 'refuse'): RouteRequirements {
  return Object.freeze({ credentials, policy: combine(policies), preflight });
}

/** A failure becomes a policy that refuses: whoever has no token is asked for one all the same, and operators see what failed. */
function policyOf<Request>(make: (request: Request) => Policy, request: Request): Policy {
  try {
    const made: unknown = make(request);
    if (isPolicy(made))
      return allOf(
        made,
        policy(MADE, (_auth, seen) => typeof seen?.target === 'string'),
      );
    if (isThenable(made)) Promise.resolve(made).catch(() => {});
    throw new TypeError(
      `the function given to guard(...) answered with ${isThenable(made) ? 'a promise' : typeof made}: it must answer with a policy, at once`,
    );
  } catch (error) {
    return policy(MADE, () => {
      throw error;
    });
  }
}

/** What operators see of it. The policy that bears the name refuses where the target is ambiguous, as every predicate that reads it does. */
const MADE = 'made of the request';

const { allOf, policy } = constructors;
const MAKERS: ReadonlySet<unknown> = new Set(Object.values(constructors));

function assertRoutePolicy(where: string, value: unknown): void {
  if (typeof value !== 'function') return assertPolicy(where, value);
  if (MAKERS.has(value)) throw misuse(where, `is ${value.name} itself: call it, as in ${value.name}(...)`);
  if (isGuard(value)) throw misuse(where, 'is a guard: several guards stand side by side, and policies go into one');
  // middleware takes more, and what takes nothing has nothing to make a policy of
  if (value.length !== 1) {
    throw misuse(where, `is a function of ${value.length} parameters: give a policy such as scope('orders:read'), or (request) => policy`);
  }
}

const GUARD = Symbol.for('tokenward.guard');

/** Marks what an adapter hands out as a guard, so that it is seen where a policy belongs. */
export function markGuard<F extends object>(guard: F): F {
  return Object.defineProperty(guard, GUARD, { value: true });
}

/** Whether a function is a guard of any adapter's. */
export function isGuard(value: unknown): boolean {
  return typeof value === 'function' && (value as { [GUARD]?: unknown })[GUARD] === true;
}
