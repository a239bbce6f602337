import { combine } from './combinations.js';
import type { Policy } from './policy.js';

/** The policies by which a guard has admitted a request. A single one is not put into a list, so that a request with one guard costs nothing more. */
export type PassedPolicies = Policy | readonly Policy[];

/** A request of GraphQL or a socket may pass a policy for each of its calls. */
const MAX_PASSED = 16;

/** Returns the policies that a request has passed, with one more. */
export function addPassed(passed: PassedPolicies | undefined, policy: Policy): PassedPolicies {
  if (passed === undefined || passed === policy) return policy;
  const known = listOf(passed);
  return known.length >= MAX_PASSED || known.includes(policy) ? passed : [...known, policy];
}

/** Returns a policy that requires what the request has passed, too; undefined if there is nothing to require. */
export function withPassed(policy: Policy | undefined, passed: PassedPolicies | undefined): Policy | undefined {
  if (passed === undefined) return policy;
  return combine(policy ? [...listOf(passed), policy] : listOf(passed));
}

function listOf(passed: PassedPolicies): readonly Policy[] {
  return 'kind' in passed ? [passed] : passed;
}
