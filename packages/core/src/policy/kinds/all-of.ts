import { behaviourOf } from '../../vocabulary/reason.js';
import { allDocumented } from '../documented.js';
import { ANY_LOGIN, bothLogins, loginsOf, namedLogin, withLogin } from '../logins.js';
import type { CombinedPolicy } from '../policy.js';
import type { KindOf, PolicyContext, PolicyFailure, PolicyKind } from '../policy-kind.js';
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
    logins: ({ policies }, context) => policies.map((part) => loginsOf(kindOf(part), part, context)).reduce(bothLogins, ANY_LOGIN),
    summarise,
  };

  /**
   * Reports the failure that is hardest to solve. First comes a failure that no token solves, and then one that no new login solves: of these, first one that
   * no new scope solves.
   */
  function summarise(policy: CombinedPolicy, failures: readonly PolicyFailure[], context: PolicyContext): PolicyFailure {
    const final = failures.find(({ reason }) => behaviourOf(reason).solvedBy === 'request');
    if (final) return final;
    const denied = failures.filter(({ reason }) => behaviourOf(reason).solvedBy !== 'login');
    if (denied.length === 0) {
      // also of the parts that did not fail: a new login must still satisfy them. Parts that are about no login did not fail
      const logins = policy.policies.map((part) => kindOf(part).logins?.(part, context) ?? ANY_LOGIN);
      const { reason, details } = failures[0]!;
      return { reason, details: { ...withLogin(details, namedLogin(logins.reduce(bothLogins, ANY_LOGIN))), cause: causes(failures) } };
    }
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

function causes(failures: readonly PolicyFailure[]): unknown {
  return failures.length === 1 ? failures[0]!.details.cause : failures.map((one) => one.details.cause);
}
