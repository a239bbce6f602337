import type { AppClaims } from '../../auth/app-claims.js';
import { rawClaims } from '../../auth/auth.js';
import { misuse } from '../../lib/configuration-error.js';
import { own } from '../../lib/json.js';
import { shownMember } from '../../lib/shown-option.js';
import { forPredicates } from '../../request/request-path.js';
import { documentedInWords, theNames } from '../documented.js';
import { CLAIM_NAME, checkedNames } from '../names.js';
import { policyMaker, type ClaimPolicy, type ClaimPredicate, type ClaimValue, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';
import { callPredicate } from '../predicate.js';

/**
 * Returns a policy that requires a claim to equal a value, or a predicate to return `true` for it. A claim that is absent or null never satisfies it.
 *
 * The claim is compared as it is in the token. A predicate finds the output of the claims schema in `auth.claims`, and gets the request if there is one.
 *
 * @example claim('tenant', (tenant, auth, request) => request?.params?.['tenant'] === tenant)
 */
export function claim<C extends object = AppClaims>(name: string, expected: ClaimValue | ClaimPredicate<C>): Policy {
  checkedNames('claim', [name], CLAIM_NAME);
  if (!['string', 'number', 'boolean', 'function'].includes(typeof expected) || expected === '' || Number.isNaN(expected)) {
    throw misuse(`claim("${shownMember(name)}", ...)`, 'needs a value (a string, number or boolean) or a function as its second argument');
  }
  return make({ kind: 'claim', name, expected: expected as ClaimValue | ClaimPredicate });
}

export const CLAIM: PolicyKind<ClaimPolicy> = {
  describe: ({ name, expected }) => `claim(${JSON.stringify(name)}, ${typeof expected === 'function' ? 'predicate' : JSON.stringify(expected)})`,
  // clients may read the document, so it does not contain the value
  document: ({ name }) => documentedInWords(`${theNames('claim', [name])} with a value that this API accepts`),
  hasPredicate: true,
  evaluate(policy, { auth, request }) {
    const value = own(rawClaims(auth), policy.name);
    const { expected } = policy;
    if (typeof expected !== 'function') return value === expected ? undefined : failure(CLAIM, policy, 'insufficient_claim', expected, value);
    if (value === undefined || value === null) return failure(CLAIM, policy, 'insufficient_claim', 'a claim that is present', value);
    return callPredicate(CLAIM, policy, 'insufficient_claim', () => expected(value, auth, forPredicates(request)));
  },
  negatable({ name, expected }, context) {
    if (typeof expected === 'function') return false;
    return context === undefined || isComparable(own(rawClaims(context.auth), name), expected);
  },
  scopes: noScopes,
};

/** A value of another type is neither equal to the expected one nor certainly different: `"true"`, `["suspended"]`, `{ "value": "suspended" }`. */
function isComparable(value: unknown, expected: ClaimValue): boolean {
  return value === undefined || value === null || typeof value === typeof expected;
}

const make = policyMaker(CLAIM.describe);
