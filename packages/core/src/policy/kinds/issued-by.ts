import { documentedAlternatives, theNames } from '../documented.js';
import { callText, checkedNames, SCOPE_TOKEN } from '../names.js';
import { policyMaker, type IssuerPolicy, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/**
 * Returns a policy that requires a token of one of these issuers, written exactly as in the options. Use it to require more, or less, of a partner's tokens.
 *
 * @example anyOf(scope('orders:read'), allOf(issuedBy('https://login.partner.example'), scope('read')))
 */
export function issuedBy(...issuers: readonly string[]): Policy {
  return make({ kind: 'issuedBy', issuers: checkedNames('issuedBy', issuers, SCOPE_TOKEN) });
}

export const ISSUED_BY: PolicyKind<IssuerPolicy> = {
  describe: ({ issuers }) => callText('issuedBy', issuers),
  document: ({ issuers }) => documentedAlternatives([{ issuers }], `a token of ${theNames('issuer', issuers, 'or')}`),
  evaluate(policy, { auth }) {
    return policy.issuers.includes(auth.issuer) ? undefined : failure(ISSUED_BY, policy, 'insufficient_claim', policy.issuers, auth.issuer);
  },
  // the guard has already compared the issuer
  negatable: () => true,
  scopes: noScopes,
};

const make = policyMaker(ISSUED_BY.describe);
