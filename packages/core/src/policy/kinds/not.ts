import type { NotPolicy } from '../policy.js';
import { failure, textOf } from '../policy-failure.js';
import { noLogin, noScopes, type KindOf, type PolicyKind } from '../policy-kind.js';

/** The opposite of a policy. It admits only where the policy surely does not hold. */
export function notKind(kindOf: KindOf): PolicyKind<NotPolicy> {
  const kind: PolicyKind<NotPolicy> = {
    describe: ({ policy }) => `not(${kindOf(policy).describe(policy)})`,
    evaluate(negation, context) {
      const { policy } = negation;
      if (kindOf(policy).evaluate(policy, context) === undefined) return failure(kind, negation, 'policy_refused');
      if (kindOf(policy).negatable(policy, context.auth)) return undefined;
      return { reason: 'policy_refused', details: { cause: `${textOf(kind, negation)}: what the token says cannot be compared, which refuses` } };
    },
    negatable: ({ policy }, auth) => kindOf(policy).negatable(policy, auth),
    scopes: noScopes,
    login: noLogin,
  };
  return kind;
}
