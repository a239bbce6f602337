import type { AppClaims } from '../../auth/app-claims.js';
import { misuse } from '../../lib/configuration-error.js';
import { shownMember } from '../../lib/shown-option.js';
import { forPredicates } from '../../request/request-path.js';
import { documentedInWords } from '../documented.js';
import { CLAIM_NAME, checkedNames } from '../names.js';
import { policyMaker, type NamedPolicy, type Policy, type PolicyPredicate } from '../policy.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';
import { callPredicate } from '../predicate.js';

/**
 * Returns a policy of your own: a predicate, under the name that operators see.
 *
 * @example policy('working hours', () => isWorkingHours(new Date()))
 */
export function policy<C extends object = AppClaims>(name: string, test: PolicyPredicate<C>): Policy {
  if (typeof name === 'function') throw misuse('policy(...)', "needs a name for operators as its first argument: policy('working hours', (auth) => ...)");
  checkedNames('policy', [name], CLAIM_NAME);
  if (typeof test !== 'function') throw misuse(`policy("${shownMember(name)}", ...)`, 'needs a function as its second argument');
  return make({ kind: 'policy', name, test: test as PolicyPredicate });
}

export const NAMED: PolicyKind<NamedPolicy> = {
  describe: ({ name }) => `policy(${JSON.stringify(name)})`,
  // the name is for operators
  document: () => documentedInWords('a condition of this API'),
  hasPredicate: true,
  evaluate(one, { auth, request }) {
    return callPredicate(NAMED, one, 'policy_refused', () => one.test(auth, forPredicates(request)));
  },
  // if the predicate threw, its opposite would admit
  negatable: () => false,
  scopes: noScopes,
};

const make = policyMaker(NAMED.describe);
