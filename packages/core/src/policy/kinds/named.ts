import { misuse } from '../../lib/configuration-error.js';
import { shownMember } from '../../lib/shown-option.js';
import { forPredicates } from '../../request/request-path.js';
import { CLAIM_NAME, checkedNames } from '../names.js';
import { policyMaker, type NamedPolicy, type Policy, type PolicyPredicate } from '../policy.js';
import { noLogin, noScopes, type PolicyKind } from '../policy-kind.js';
import { askPredicate } from '../predicate.js';

/** A rule of your own, under the name by which operators will see it. */
export function policy(name: string, test: PolicyPredicate): Policy {
  if (typeof name === 'function') throw misuse('policy(...)', "needs a name first, under which operators see it: policy('working hours', (auth) => ...)");
  checkedNames('policy', [name], CLAIM_NAME);
  if (typeof test !== 'function') throw misuse(`policy("${shownMember(name)}", ...)`, 'needs a function as its second argument');
  return make({ kind: 'policy', name, test });
}

export const NAMED: PolicyKind<NamedPolicy> = {
  describe: ({ name }) => `policy(${JSON.stringify(name)})`,
  evaluate(one, { auth, request }) {
    return askPredicate(NAMED, one, 'policy_refused', () => one.test(auth, forPredicates(request)));
  },
  // a predicate that fails refuses: its opposite would then admit
  negatable: () => false,
  scopes: noScopes,
  login: noLogin,
};

const make = policyMaker(NAMED.describe);
