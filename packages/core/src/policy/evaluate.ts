import { kindOf } from './kinds.js';
import type { Policy } from './policy.js';
import type { PolicyContext, PolicyFailure } from './policy-kind.js';

/** Returns why a policy is not satisfied; undefined where it is. */
export function evaluatePolicy(policy: Policy, context: PolicyContext): PolicyFailure | undefined {
  return kindOf(policy).evaluate(policy, context);
}

/** Returns the scopes that a challenge asks for where a policy stands and nothing is known of the caller yet. */
export function sufficientScopes(policy: Policy): readonly string[] {
  return kindOf(policy).scopes(policy, 'sufficient');
}

/** Returns the scopes that no token does without: of alternatives none. */
export function necessaryScopes(policy: Policy): readonly string[] {
  return kindOf(policy).scopes(policy, 'necessary');
}
