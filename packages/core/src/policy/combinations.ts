import { misuse } from '../lib/configuration-error.js';
import { printable } from '../lib/url.js';
import { assertPolicy, kindOf } from './kinds.js';
import { policyMaker, type Policy } from './policy.js';

/** All of these policies. */
export function allOf(...policies: readonly Policy[]): Policy {
  return make({ kind: 'allOf', policies: checkedParts('allOf', policies) });
}

/** At least one of these policies. */
export function anyOf(...policies: readonly Policy[]): Policy {
  return make({ kind: 'anyOf', policies: checkedParts('anyOf', policies) });
}

/**
 * The opposite of a policy about what the token says: `not(role('suspended'))`. It admits only where the policy surely does not hold. A claim, scopes
 * or roles in a form that can't be compared refuse: a list or `"true"` where `claim` expects `true`, say. A claim that is absent or null, and a token
 * without scopes or roles, admit; to refuse those, demand the claim too: `allOf(claim('status', ...), not(...))`.
 *
 * A predicate can't be negated, since one that fails refuses and its opposite would then admit; write the opposite into the predicate.
 */
export function not(negated: Policy): Policy {
  const [policy] = checkedParts('not', [negated]) as readonly [Policy];
  const kind = kindOf(policy);
  if (!kind.negatable(policy)) {
    throw misuse(
      'not(...)',
      `negates scopes, roles and claim values; ${printable(kind.describe(policy))} holds something else, whose opposite would admit where it fails`,
    );
  }
  return make({ kind: 'not', policy });
}

/** Several policies as the one they add up to. */
export function combine(policies: readonly Policy[]): Policy | undefined {
  if (policies.length === 0) return undefined;
  const checked = checkedParts('guard', policies);
  return checked.length === 1 ? checked[0] : allOf(...checked);
}

function checkedParts(of: string, policies: readonly Policy[]): readonly Policy[] {
  if (policies.length === 0) throw misuse(`${of}()`, 'needs at least one policy: made of nothing it would admit everybody');
  for (const [index, part] of policies.entries()) {
    assertPolicy(`${of}(...) argument ${index + 1}`, part);
  }
  return Object.freeze([...policies]);
}

const make = policyMaker((policy: Policy) => kindOf(policy).describe(policy));
