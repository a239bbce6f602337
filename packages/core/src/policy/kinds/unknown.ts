import { documentedInWords } from '../documented.js';
import type { Policy } from '../policy.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/** Stands for a kind that only a newer copy of this package knows. `isPolicy` refuses such a policy. If one arrives another way, it is never satisfied. */
export const UNKNOWN: PolicyKind<Policy> = {
  describe: ({ kind }) => `${kind}(...)`,
  document: () => documentedInWords('a condition of this API'),
  evaluate: ({ kind }) => ({ reason: 'policy_refused', details: { cause: `a policy of the unknown kind ${kind}` } }),
  negatable: () => false,
  scopes: noScopes,
};
