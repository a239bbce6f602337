import { mentionedDetailTypes, mentionedScopes } from '../policy/evaluate.js';
import type { Policy } from '../policy/policy.js';

/** The policies of routes whose scopes the metadata offers. */
export interface OfferedPolicies {
  readonly policies: readonly Policy[];
  add(this: void, policy: Policy): void;
  /** Called at the first request: policies that are created while requests run may contain text of a client, which others must not read. */
  close(this: void): void;
}

/** More routes than apps have. */
const MAX_POLICIES = 10_000;

function isOffered(policy: Policy): boolean {
  return mentionedScopes(policy).length > 0 || mentionedDetailTypes(policy).length > 0;
}

export function createOfferedPolicies(): OfferedPolicies {
  const policies: Policy[] = [];
  let isClosed = false;
  return {
    policies,
    add(policy) {
      if (!isClosed && policies.length < MAX_POLICIES && isOffered(policy)) policies.push(policy);
    },
    close() {
      isClosed = true;
    },
  };
}
