import { documentedInWords } from '../documented.js';
import type { NotPolicy } from '../policy.js';
import { failure, textOf } from '../policy-failure.js';
import { noScopes, type KindOf, type PolicyKind } from '../policy-kind.js';

/** Creates the kind of policies that negate another. They admit only if the other certainly does not hold. */
export function notKind(kindOf: KindOf): PolicyKind<NotPolicy> {
  const kind: PolicyKind<NotPolicy> = {
    describe: ({ policy }) => `not(${kindOf(policy).describe(policy)})`,
    document: ({ policy }) => documentedInWords(`anything but (${kindOf(policy).document(policy).words})`),
    evaluate(negation, context) {
      const { policy } = negation;
      if (kindOf(policy).evaluate(policy, context) === undefined) return failure(kind, negation, 'policy_refused');
      if (kindOf(policy).negatable(policy, context)) return undefined;
      return { reason: 'policy_refused', details: { cause: `${textOf(kind, negation)}: the token's value cannot be compared, so the policy refuses` } };
    },
    negatable: ({ policy }, context) => kindOf(policy).negatable(policy, context),
    scopes: noScopes,
  };
  return kind;
}
