import type { DocumentedPolicy } from './documented.js';
import { ALL_OF, kindOf } from './kinds.js';
import { withPassed, type PassedPolicies } from './passed-policies.js';
import type { CombinedPolicy, Policy } from './policy.js';
import type { PolicyContext, PolicyFailure } from './policy-kind.js';

/**
 * Returns why a policy is not satisfied; undefined if it is.
 *
 * @param passed the policies that the request has passed before. They are not evaluated again, but the next token must satisfy them, too
 */
export function evaluatePolicy(policy: Policy, context: PolicyContext, passed?: PassedPolicies): PolicyFailure | undefined {
  const failure = kindOf(policy).evaluate(policy, context);
  return failure && passed ? ALL_OF.summarise(withPassed(policy, passed) as CombinedPolicy, [failure], context) : failure;
}

/** Returns the scopes that a challenge names for a policy if nothing is known about the caller yet. */
export function sufficientScopes(policy: Policy): readonly string[] {
  return kindOf(policy).scopes(policy, 'sufficient');
}

/** Returns all scopes that a policy mentions, those of alternatives included. */
export function mentionedScopes(policy: Policy): readonly string[] {
  return kindOf(policy).scopes(policy, 'mentioned');
}

/** Returns what an OpenAPI document says about a policy. */
export function documentedPolicy(policy: Policy): DocumentedPolicy {
  return kindOf(policy).document(policy);
}

/** Returns the types of `authorization_details` (RFC 9396) that a policy mentions. */
export function mentionedDetailTypes(policy: Policy): readonly string[] {
  return kindOf(policy).detailTypes?.(policy) ?? [];
}

/** Returns the scopes that every token needs to satisfy a policy; of alternatives, none. */
export function necessaryScopes(policy: Policy): readonly string[] {
  return kindOf(policy).scopes(policy, 'necessary');
}
