import { behaviourOf } from '../vocabulary/reason.js';
import { ANY_LOGIN, NO_LOGIN } from './logins.js';
import type { Policy } from './policy.js';
import type { Outcome, PartState, PolicyContext, PolicyFailure, PolicyKind } from './policy-kind.js';

/** Evaluates a policy, or a part of one. If a predicate refuses, the context remembers it. */
export function evaluatePart(kind: PolicyKind<Policy>, policy: Policy, context: PolicyContext): PolicyFailure | undefined {
  const failure = kind.evaluate(policy, context);
  if (failure && kind.hasPredicate) context.refused = { policy, failure, next: context.refused };
  return failure;
}

/** Returns what a refusal says about a part of its policy. */
export function outcomeOf(kind: PolicyKind<Policy>, policy: Policy, context: PolicyContext, state: PartState): Outcome {
  if (kind.outcome) return kind.outcome(policy, context, state);
  const failure = state === 'passed' ? undefined : failureOf(kind, policy, context, state);
  const logins = kind.logins?.(policy) ?? (failure ? NO_LOGIN : ANY_LOGIN);
  return { failure, logins, loginsWithScopes: failure && isOfScope(failure) ? ANY_LOGIN : logins };
}

function failureOf(kind: PolicyKind<Policy>, policy: Policy, context: PolicyContext, state: PartState): PolicyFailure | undefined {
  if (!kind.hasPredicate) return kind.evaluate(policy, context);
  let at = context.refused;
  while (at && at.policy !== policy) at = at.next;
  return at || state === 'evaluated' ? at?.failure : evaluatePart(kind, policy, context);
}

/** Returns an alternative within one of several parts that fails for its scopes. */
export function alternativeOf(outcomes: readonly Outcome[]): PolicyFailure | undefined {
  return outcomes.find((one) => one.alternative)?.alternative;
}

/** Returns whether a scope solves a failure, or begins to. */
export function isOfScope({ reason }: PolicyFailure): boolean {
  return behaviourOf(reason).solvedBy === 'scope';
}

/** Returns whether a login solves a failure. */
export function isOfLogin({ reason }: PolicyFailure): boolean {
  return behaviourOf(reason).solvedBy === 'login';
}
