import { misuse } from '../lib/configuration-error.js';
import { printable } from '../lib/url.js';
import { assertPolicy, kindOf } from './kinds.js';
import { ANY_LOGIN, jointLogins, loginsOf } from './logins.js';
import { policyMaker, type Policy } from './policy.js';

/**
 * Returns a policy that is satisfied if all of these policies are.
 *
 * @throws ConfigurationError if no token can satisfy all of them, because a login has one `acr`: `allOf(acr('gold'), acr('silver'))`
 */
export function allOf(...policies: readonly Policy[]): Policy {
  const checked = checkedParts('allOf', policies);
  assertPossible('allOf(...)', checked);
  return make({ kind: 'allOf', policies: checked });
}

/** Returns a policy that is satisfied if at least one of these policies is. */
export function anyOf(...policies: readonly Policy[]): Policy {
  return make({ kind: 'anyOf', policies: checkedParts('anyOf', policies) });
}

/**
 * Returns the opposite of a policy about scopes, roles, claim values or issuers: `not(role('suspended'))`.
 *
 * It admits a token only if the policy certainly does not hold. It refuses values that cannot be compared, such as a list or `"true"` if `claim` expects
 * `true`. It admits tokens whose claim is absent or null, and tokens without scopes or roles. To refuse those, require the claim too:
 * `allOf(claim('status', ...), not(...))`.
 *
 * A predicate cannot be negated: if it threw, its opposite would admit. Write the opposite into the predicate.
 *
 * @throws ConfigurationError if the policy cannot be negated
 */
export function not(negated: Policy): Policy {
  const [policy] = checkedParts('not', [negated]) as readonly [Policy];
  const kind = kindOf(policy);
  if (!kind.negatable(policy)) {
    throw misuse(
      'not(...)',
      `accepts only policies about scopes, roles, claim values and issuers; ${printable(kind.describe(policy))} contains something else. Its negation would admit a request when it fails`,
    );
  }
  return make({ kind: 'not', policy });
}

/**
 * Returns what is wrong with policies that no token can satisfy together, because they accept no `acr` in common; undefined if a token can. Other contradictions
 * are not found.
 */
export function contradictionIn(policies: readonly Policy[]): string | undefined {
  const logins = policies.map((part) => loginsOf(kindOf(part), part));
  if (jointLogins(logins).length > 0) return undefined;
  const parts = policies.filter((_part, at) => logins[at] !== ANY_LOGIN).map((part) => kindOf(part).describe(part));
  return `refuses every token, because a login has one acr, and these policies accept none in common: ${printable(parts.join('; '), 500)}. To accept several, list them in one policy: acr('gold', 'silver')`;
}

/** @throws ConfigurationError if no token can satisfy all of these policies */
export function assertPossible(where: string, policies: readonly Policy[]): void {
  const contradiction = contradictionIn(policies);
  if (contradiction !== undefined) throw misuse(where, contradiction);
}

/**
 * Combines the policies of a route into one; undefined if there are none. They may contradict each other: those of several guards, and those that are made
 * for one request. Then the guard refuses the request.
 */
export function combine(policies: readonly Policy[]): Policy | undefined {
  if (policies.length === 0) return undefined;
  const checked = checkedParts('guard', policies);
  return checked.length === 1 ? checked[0] : make({ kind: 'allOf', policies: checked });
}

function checkedParts(name: string, policies: readonly Policy[]): readonly Policy[] {
  if (policies.length === 0) throw misuse(`${name}()`, 'needs at least one policy: without any, it would admit everybody');
  for (const [index, part] of policies.entries()) {
    assertPolicy(`${name}(...) argument ${index + 1}`, part);
  }
  return Object.freeze([...policies]);
}

const make = policyMaker((policy: Policy) => kindOf(policy).describe(policy));
