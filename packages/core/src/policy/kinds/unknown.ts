import type { Policy } from '../policy.js';
import { noLogin, noScopes, type PolicyKind } from '../policy-kind.js';

/** A kind that only a newer copy of this package knows. `isPolicy` finds no policy in it; where one comes by another way, it refuses. */
export const UNKNOWN: PolicyKind<Policy> = {
  describe: ({ kind }) => `${kind}(...)`,
  evaluate: ({ kind }) => ({ reason: 'policy_refused', details: { cause: `a policy of the unknown kind ${kind}` } }),
  negatable: () => false,
  scopes: noScopes,
  login: noLogin,
};
