import { behaviourOf } from '../../vocabulary/reason.js';
import { NO_COMMON_LOGIN } from '../../vocabulary/policy-words.js';
import { allDocumented } from '../documented.js';
import { ANY_LOGIN, jointLogins, loginsOf } from '../logins.js';
import { alternativeOf, evaluatePart, isOfLogin, outcomeOf } from '../outcome.js';
import type { CombinedPolicy } from '../policy.js';
import { textOf } from '../policy-failure.js';
import type { KindOf, Outcome, PolicyContext, PolicyFailure, PolicyKind, RequiredLogin } from '../policy-kind.js';
import { holdsScope } from './scope.js';

/** The kind of policies that require all of their parts. */
export interface AllOfKind extends PolicyKind<CombinedPolicy> {
  /** Returns the outcome of a policy from the outcomes of its parts. */
  summarise(policy: CombinedPolicy, outcomes: readonly Outcome[], context: PolicyContext): Outcome;
}

/** Creates the kind of policies that require all of their parts. */
export function allOfKind(kindOf: KindOf): AllOfKind {
  const kind: AllOfKind = {
    describe: ({ policies }) => `allOf(${policies.map((part) => kindOf(part).describe(part)).join(', ')})`,
    document(policy) {
      const documented = allDocumented(policy.policies.map((part) => kindOf(part).document(part)));
      if (loginsOf(kind, policy).length > 0) return documented;
      // of several guards, each asks for the login that it needs, and the last one refuses this login
      return { ...documented, refusals: [...new Set([...documented.refusals, 'insufficient_scope' as const])] };
    },
    evaluate({ policies }, context) {
      let failed: PolicyFailure | undefined;
      // also the parts behind one that failed, since the refusal names everything that is missing
      for (const part of policies) failed = evaluatePart(kindOf(part), part, context) ?? failed;
      return failed;
    },
    outcome(policy, context, state) {
      const outcomes = policy.policies.map((part) => outcomeOf(kindOf(part), part, context, state));
      return summarise(policy, outcomes, context);
    },
    detailTypes: ({ policies }) => policies.flatMap((part) => kindOf(part).detailTypes?.(part) ?? []),
    negatable: ({ policies }, context) => policies.every((part) => kindOf(part).negatable(part, context)),
    logins: ({ policies }) => jointLogins(policies.map((part) => loginsOf(kindOf(part), part))),
    scopes: ({ policies }, which) => [...new Set(policies.flatMap((part) => kindOf(part).scopes(part, which)))],
    summarise,
  };

  function summarise(policy: CombinedPolicy, outcomes: readonly Outcome[], context: PolicyContext): Outcome {
    const failures = outcomes.flatMap(({ failure }) => failure ?? []);
    return {
      failure: failures.length > 0 ? chosen(policy, failures, outcomes, context) : undefined,
      logins: commonLogins(outcomes, 'logins'),
      loginsWithScopes: commonLogins(outcomes, 'loginsWithScopes'),
      alternative: alternativeOf(outcomes),
    };
  }

  /**
   * Reports the failure that is hardest to solve, in this order: one that no token solves, one that neither a scope nor a login solves, one that a scope solves,
   * and one that a login solves.
   */
  function chosen(policy: CombinedPolicy, failures: readonly PolicyFailure[], outcomes: readonly Outcome[], context: PolicyContext): PolicyFailure {
    const final = failures.find(({ reason }) => behaviourOf(reason).solvedBy === 'request');
    if (final) return final;
    const denied = failures.filter((one) => !isOfLogin(one));
    const contradiction = denied.length < failures.length ? contradictionOf(policy, outcomes) : undefined;
    if (contradiction) denied.push(contradiction);
    if (denied.length === 0) {
      const { reason, details } = failures[0]!;
      return { reason, details: { ...details, cause: causes(failures) } };
    }
    if (denied.length === 1 && denied[0]!.isContradiction) return denied[0]!;
    const { reason, details } = denied.find((one) => behaviourOf(one.reason).solvedBy !== 'scope') ?? denied[0]!;
    const { expected, found } = details;
    if (!denied.some((one) => one.details.scope)) return { reason, details: { cause: causes(denied), expected, found } };
    // RFC 6750 s3.1: the challenge names all scopes needed, so that the new token does not lose those of this one
    const granted = kind.scopes(policy, 'mentioned').filter((name) => holdsScope(context, name));
    const scope = [...new Set([...granted, ...denied.flatMap((one) => one.details.scope ?? [])])];
    const isScope = behaviourOf(reason).solvedBy === 'scope';
    const isAlsoLogin = failures.some((one) => one.isAlsoLogin === true || isOfLogin(one));
    return { reason, details: { scope, cause: causes(denied), expected: isScope ? scope : expected, found }, isAlsoLogin };
  }

  /**
   * Returns the failure of parts that need different logins. A challenge for one of these logins would lead to another refusal, and so on for ever. If one login is
   * enough for a token with further scopes, returns the failure that names these scopes.
   */
  function contradictionOf({ policies }: CombinedPolicy, outcomes: readonly Outcome[]): PolicyFailure | undefined {
    // also of the parts that did not fail: a new login must still satisfy them
    const isOpen = ({ failure }: Outcome): boolean => !failure || isOfLogin(failure);
    const open = outcomes.filter(isOpen);
    if (commonLogins(open, 'logins').length > 0) return undefined;
    const alternative = alternativeOf(open);
    if (alternative && commonLogins(open, 'loginsWithScopes').length > 0) return alternative;
    const parts = policies.filter((_part, at) => isOpen(outcomes[at]!) && outcomes[at]!.logins !== ANY_LOGIN);
    const cause = `${NO_COMMON_LOGIN}: ${parts.map((part) => textOf(kindOf(part), part)).join('; ')}`;
    return { reason: 'policy_refused', details: { cause }, isContradiction: true };
  }

  return kind;
}

function commonLogins(outcomes: readonly Outcome[], which: 'logins' | 'loginsWithScopes'): readonly RequiredLogin[] {
  return jointLogins(outcomes.map((outcome) => outcome[which]));
}

function causes(failures: readonly PolicyFailure[]): unknown {
  return failures.length === 1 ? failures[0]!.details.cause : failures.map((one) => one.details.cause);
}
