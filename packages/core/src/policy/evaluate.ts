import { behaviourOf } from '../vocabulary/reason.js';
import type { DocumentedPolicy } from './documented.js';
import { ACR } from './kinds/acr.js';
import { MAX_AGE } from './kinds/max-age.js';
import { ALL_OF, kindOf } from './kinds.js';
import { namedLogin, shortened } from './logins.js';
import { evaluatePart, outcomeOf } from './outcome.js';
import { withPassed, type PassedPolicies } from './passed-policies.js';
import type { AcrPolicy, CombinedPolicy, MaxAgePolicy, Policy } from './policy.js';
import type { Outcome, PolicyContext, PolicyFailure, RequiredLogin } from './policy-kind.js';

/**
 * Returns why a policy is not satisfied; undefined if it is. It calls each predicate of the policy at most once.
 *
 * @param context a new one for each evaluation
 * @param passed the policies that the request has passed before. The next token must satisfy them, too
 */
export function evaluatePolicy(policy: Policy, context: PolicyContext, passed?: PassedPolicies): PolicyFailure | undefined {
  const kind = kindOf(policy);
  const failure = evaluatePart(kind, policy, context);
  // a single policy that is not about a login needs no summary
  return failure && (passed || kind.outcome || kind.logins) ? refusal(failure, policy, context, passed) : failure;
}

/** @param first what is returned if the policy does not fail again, because a predicate has changed the `Auth` */
function refusal(first: PolicyFailure, policy: Policy, context: PolicyContext, passed: PassedPolicies | undefined): PolicyFailure {
  const { failure, logins } = passed ? outcomeBehind(passed, policy, context) : outcomeOf(kindOf(policy), policy, context, 'evaluated');
  if (!failure) return first;
  return behaviourOf(failure.reason).solvedBy === 'login' ? withLogin(failure, namedLogin(logins), context) : failure;
}

function outcomeBehind(passed: PassedPolicies, policy: Policy, context: PolicyContext): Outcome {
  const all = withPassed(policy, passed) as CombinedPolicy;
  const last = all.policies.length - 1;
  const outcomes = all.policies.map((part, at) => outcomeOf(kindOf(part), part, context, at < last ? 'passed' : 'evaluated'));
  return ALL_OF.summarise(all, outcomes, context);
}

/** Returns a failure whose challenge names a login. Its explanation compares the token with that same login. */
function withLogin(failure: PolicyFailure, login: RequiredLogin, context: PolicyContext): PolicyFailure {
  const { acrValues, maxAgeSeconds } = login;
  const weak = acrValues && ACR.evaluate({ values: acrValues } as AcrPolicy, context);
  const stale = maxAgeSeconds === undefined ? undefined : MAX_AGE.evaluate({ seconds: maxAgeSeconds } as MaxAgePolicy, context);
  const { reason, details } = [weak, stale].find((one) => one?.reason === failure.reason) ?? weak ?? stale ?? failure;
  return { reason, details: { ...details, ...shortened(login), cause: failure.details.cause } };
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
