import { rawClaims } from '../../auth/auth.js';
import { own } from '../../lib/json.js';
import { documentedInWords, theNames } from '../documented.js';
import { callText, checkedNames, SCOPE_TOKEN } from '../names.js';
import { policyMaker, type AcrPolicy, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/** Returns a policy that requires a login of one of these authentication context classes (`acr`). Otherwise the client gets a step-up challenge (RFC 9470). */
export function acr(...values: readonly string[]): Policy {
  return make({ kind: 'acr', values: checkedNames('acr', values, SCOPE_TOKEN) });
}

export const ACR: PolicyKind<AcrPolicy> = {
  describe: ({ values }) => callText('acr', values),
  document: ({ values }) => documentedInWords(`a login with ${theNames('acr', values, 'or')}`, 'insufficient_user_authentication'),
  evaluate(policy, { auth }) {
    const found = own(rawClaims(auth), 'acr');
    return policy.values.includes(found as string) ? undefined : failure(ACR, policy, 'weak_authentication', policy.values, found);
  },
  negatable: () => false,
  scopes: noScopes,
  logins: ({ values }) => [{ acrValues: values }],
};

const make = policyMaker(ACR.describe);
