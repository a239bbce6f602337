import { isUnreadable } from '../../auth/names.js';
import { documentedInWords, theNames } from '../documented.js';
import { callText, checkedNames, mayContain, ROLE_NAME } from '../names.js';
import { policyMaker, type Policy, type RolePolicy } from '../policy.js';
import { roleFailure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/** Returns a policy that requires all of these roles, as `rolesClaim` reads them. A role's name may contain spaces: `role('Domain Admins')` is one role. */
export function role(...roles: readonly string[]): Policy {
  return make({ kind: 'role', roles: checkedNames('role', roles, ROLE_NAME) });
}

export const ROLE: PolicyKind<RolePolicy> = {
  describe: ({ roles }) => callText('role', roles),
  document: ({ roles }) => documentedInWords(theNames('role', roles)),
  evaluate(policy, { auth }) {
    return policy.roles.every((name) => auth.roles.includes(name)) ? undefined : roleFailure(ROLE, policy, auth);
  },
  // a single role may be a list in one string. Among several roles, spaces belong to a name
  negatable({ roles }, context) {
    if (context === undefined) return true;
    const found = context.auth.roles;
    return !(isUnreadable(found) || (found.length === 1 && mayContain(found, (name) => roles.includes(name))));
  },
  scopes: noScopes,
};

const make = policyMaker(ROLE.describe);
