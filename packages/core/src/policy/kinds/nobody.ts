import { documentedInWords } from '../documented.js';
import { policyMaker, type NobodyPolicy, type Policy } from '../policy.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/**
 * Returns a policy that no token satisfies, for a request that the app cannot let pass whoever sends it.
 *
 * @param cause what is wrong with the request, in fixed words for operators
 */
export function nobody(reason: NobodyPolicy['reason'], cause?: string): Policy {
  return make({ kind: 'nobody', reason, cause });
}

export const NOBODY: PolicyKind<NobodyPolicy> = {
  describe: ({ reason }) => `nobody("${reason}")`,
  document: () => documentedInWords('a condition of this API'),
  evaluate: ({ reason, cause }) => ({ reason, details: { cause } }),
  negatable: () => false,
  scopes: noScopes,
};

const make = policyMaker(NOBODY.describe);
