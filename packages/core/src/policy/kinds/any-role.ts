import { documentedInWords, theNames } from '../documented.js';
import { callText, checkedNames, ROLE_NAME } from '../names.js';
import { policyMaker, type Policy, type RolePolicy } from '../policy.js';
import { roleFailure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';
import { ROLE } from './role.js';

/** Returns a policy that requires at least one of these roles. */
export function anyRole(...roles: readonly string[]): Policy {
  return make({ kind: 'anyRole', roles: checkedNames('anyRole', roles, ROLE_NAME) });
}

export const ANY_ROLE: PolicyKind<RolePolicy> = {
  describe: ({ roles }) => callText('anyRole', roles),
  document: ({ roles }) => documentedInWords(theNames('role', roles, 'or')),
  evaluate(policy, { auth }) {
    return policy.roles.some((name) => auth.roles.includes(name)) ? undefined : roleFailure(ANY_ROLE, policy, auth);
  },
  negatable: ROLE.negatable,
  scopes: noScopes,
};

const make = policyMaker(ANY_ROLE.describe);
