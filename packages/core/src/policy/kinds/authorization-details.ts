import type { AppClaims } from '../../auth/app-claims.js';
import { rawClaims } from '../../auth/auth.js';
import { misuse } from '../../lib/configuration-error.js';
import { isJsonObject, own } from '../../lib/json.js';
import { shownMember } from '../../lib/shown-option.js';
import { forPredicates } from '../../request/request-path.js';
import { code, documentedInWords } from '../documented.js';
import { CLAIM_NAME, checkedNames } from '../names.js';
import { policyMaker, type AuthorizationDetail, type AuthorizationDetailsPolicy, type DetailPredicate, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyFailure, type PolicyKind } from '../policy-kind.js';
import { callPredicate } from '../predicate.js';

/** A token with more items satisfies no such policy: predicates must not run for a whole list of a careless issuer. */
const MAX_ITEMS = 100;

/**
 * Returns a policy that requires an item of this type in the token's `authorization_details` (RFC 9396 s9.1) for which the predicate returns `true`. It is
 * called for the items of the type until one is accepted, and must compare everything that matters with the request.
 *
 * @example authorizationDetails('payment', ({ amount }, auth, request) => request?.params?.['amount'] === amount)
 */
export function authorizationDetails<C extends object = AppClaims>(type: string, accepts: DetailPredicate<C>): Policy {
  checkedNames('authorizationDetails', [type], CLAIM_NAME);
  if (typeof accepts !== 'function')
    throw misuse(`authorizationDetails("${shownMember(type)}", ...)`, 'needs a function as its second argument, which says whether an item is enough');
  return make({ kind: 'authorizationDetails', type, accepts: accepts as DetailPredicate });
}

export const AUTHORIZATION_DETAILS: PolicyKind<AuthorizationDetailsPolicy> = {
  describe: ({ type }) => `authorizationDetails(${JSON.stringify(type)}, predicate)`,
  document: ({ type }) => documentedInWords(`authorization details of the type ${code(type)} that cover the request`),
  hasPredicate: true,
  evaluate(policy, { auth, request }) {
    const { type, accepts } = policy;
    const details = own(rawClaims(auth), 'authorization_details');
    const expected = `an item of the type ${JSON.stringify(type)} in authorization_details`;
    if (!Array.isArray(details) || details.length > MAX_ITEMS) return failure(AUTHORIZATION_DETAILS, policy, 'insufficient_claim', expected, details);
    let refused: PolicyFailure | undefined;
    for (const detail of details as unknown[]) {
      if (!isJsonObject(detail) || own(detail, 'type') !== type) continue;
      const failed = callPredicate(AUTHORIZATION_DETAILS, policy, 'insufficient_claim', () =>
        accepts(detail as AuthorizationDetail, auth, forPredicates(request)),
      );
      if (!failed) return undefined;
      refused ??= failed;
    }
    return refused ?? failure(AUTHORIZATION_DETAILS, policy, 'insufficient_claim', expected, details);
  },
  // if the predicate threw, its opposite would admit
  negatable: () => false,
  scopes: noScopes,
  detailTypes: ({ type }) => [type],
};

const make = policyMaker(AUTHORIZATION_DETAILS.describe);
