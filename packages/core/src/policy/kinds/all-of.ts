import { behaviourOf } from '../../vocabulary/reason.js';
import { allDocumented } from '../documented.js';
import type { CombinedPolicy } from '../policy.js';
import type { RequiredLogin, KindOf, PolicyContext, PolicyFailure, PolicyKind } from '../policy-kind.js';
import { holdsScope } from './scope.js';

/** The kind of policies that require all of their parts. */
export interface AllOfKind extends PolicyKind<CombinedPolicy> {
  /** Returns the failure of a policy from the failures of its parts, at least one. */
  summarise(policy: CombinedPolicy, failures: readonly PolicyFailure[], context: PolicyContext): PolicyFailure;
}

/** Creates the kind of policies that require all of their parts. */
export function allOfKind(kindOf: KindOf): AllOfKind {
  const kind: AllOfKind = {
    describe: ({ policies }) => `allOf(${policies.map((part) => kindOf(part).describe(part)).join(', ')})`,
    document: ({ policies }) => allDocumented(policies.map((part) => kindOf(part).document(part))),
    evaluate(policy, context) {
      let failures: PolicyFailure[] | undefined;
      for (const part of policy.policies) {
        const failure = kindOf(part).evaluate(part, context);
        if (failure) (failures ??= []).push(failure);
      }
      return failures && summarise(policy, failures, context);
    },
    detailTypes: ({ policies }) => policies.flatMap((part) => kindOf(part).detailTypes?.(part) ?? []),
    negatable: ({ policies }, context) => policies.every((part) => kindOf(part).negatable(part, context)),
    scopes: ({ policies }, which) => [...new Set(policies.flatMap((part) => kindOf(part).scopes(part, which)))],
    login: requiredLogin,
    summarise,
  };

  /** Names the requirements of all parts. A login that satisfies only the part that failed might no longer satisfy the others. */
  function requiredLogin({ policies }: CombinedPolicy): RequiredLogin {
    return strictestOf(policies.map((part) => kindOf(part).login(part)));
  }

  /** Reports first what no token can solve, then what a new login cannot solve, and of that, first what a new scope cannot solve. */
  function summarise(policy: CombinedPolicy, failures: readonly PolicyFailure[], context: PolicyContext): PolicyFailure {
    const final = failures.find(({ reason }) => behaviourOf(reason).solvedBy === 'request');
    if (final) return final;
    const denied = failures.filter(({ reason }) => behaviourOf(reason).solvedBy !== 'login');
    if (denied.length === 0) return loginFailureOf(failures, requiredLogin(policy));
    const { reason, details } = denied.find((one) => behaviourOf(one.reason).solvedBy !== 'scope') ?? denied[0]!;
    const { expected, found } = details;
    if (!denied.some((one) => one.details.scope)) return { reason, details: { cause: causes(denied), expected, found } };
    // RFC 6750 s3.1: the challenge names all scopes needed, so that the new token does not lose those of this one
    const granted = kind.scopes(policy, 'mentioned').filter((name) => holdsScope(context, name));
    const scope = [...new Set([...granted, ...denied.flatMap((one) => one.details.scope ?? [])])];
    const isScope = behaviourOf(reason).solvedBy === 'scope';
    return { reason, details: { scope, cause: causes(denied), expected: isScope ? scope : expected, found } };
  }

  return kind;
}

/** The failure of an `anyOf` names the login of one part, which no list of requirements contains. */
function loginFailureOf(failures: readonly PolicyFailure[], required: RequiredLogin): PolicyFailure {
  const { reason, details } = failures[0]!;
  const { acrValues, maxAgeSeconds } = strictestOf([required, ...failures.map((one) => one.details)]);
  return {
    reason,
    details: {
      expected: details.expected,
      found: details.found,
      // if no acr satisfies all policies, the one that failed counts
      acrValues: acrValues ?? failures.find((one) => one.details.acrValues)?.details.acrValues,
      maxAgeSeconds,
      cause: causes(failures),
    },
  };
}

/** Returns the requirements on one login that satisfies all of these. Its one acr must be in each list; undefined if none is. */
function strictestOf(logins: readonly (RequiredLogin | undefined)[]): RequiredLogin {
  const ages = logins.flatMap((login) => login?.maxAgeSeconds ?? []);
  const [first, ...others] = logins.flatMap((login) => (login?.acrValues ? [login.acrValues] : []));
  const acrValues = first?.filter((value) => others.every((other) => other.includes(value)));
  return { acrValues: acrValues?.length ? acrValues : undefined, maxAgeSeconds: ages.length ? Math.min(...ages) : undefined };
}

function causes(failures: readonly PolicyFailure[]): unknown {
  return failures.length === 1 ? failures[0]!.details.cause : failures.map((one) => one.details.cause);
}
