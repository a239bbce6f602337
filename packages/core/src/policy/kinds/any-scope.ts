import { documentedAlternatives, theNames } from '../documented.js';
import { checkedNames, callText, SCOPE_TOKEN } from '../names.js';
import { policyMaker, type Policy, type ScopePolicy } from '../policy.js';
import { scopeFailure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';
import { holdsScope, SCOPE } from './scope.js';

/** Returns a policy that requires at least one of these scopes. */
export function anyScope(...scopes: readonly string[]): Policy {
  return make({ kind: 'anyScope', scopes: checkedNames('anyScope', scopes, SCOPE_TOKEN) });
}

export const ANY_SCOPE: PolicyKind<ScopePolicy> = {
  describe: ({ scopes }) => callText('anyScope', scopes),
  document: ({ scopes }) =>
    documentedAlternatives(
      scopes.map((name) => ({ scopes: [name] })),
      theNames('scope', scopes, 'or'),
    ),
  evaluate(policy, context) {
    if (policy.scopes.some((name) => holdsScope(context, name))) return undefined;
    // a challenge demands all scopes that it lists, so it lists only the first
    return scopeFailure(ANY_SCOPE, policy, policy.scopes.slice(0, 1), context.auth);
  },
  negatable: SCOPE.negatable,
  scopes({ scopes }, which) {
    if (which === 'necessary') return noScopes();
    return which === 'mentioned' ? scopes : scopes.slice(0, 1);
  },
};

const make = policyMaker(ANY_SCOPE.describe);
