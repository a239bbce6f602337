import { misuse } from '../../lib/configuration-error.js';
import { isJsonObject } from '../../lib/json.js';
import { documentedInWords } from '../documented.js';
import { policyMaker, type ActedForPolicy, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/**
 * Returns a policy that requires a token by which somebody acts for its subject (`act`, RFC 8693 s4.1). Mostly negated: `not(actedFor())` refuses such tokens
 * where the user must act in person.
 */
export function actedFor(...none: readonly never[]): Policy {
  if (none.length > 0) throw misuse('actedFor(...)', "takes no arguments. To name the actor, write actor('assistant')");
  return make({ kind: 'actedFor' });
}

export const ACTED_FOR: PolicyKind<ActedForPolicy> = {
  describe: () => 'actedFor()',
  document: () => documentedInWords('an actor (the claim `act`)'),
  evaluate(policy, { auth }) {
    return isJsonObject(auth.actor) ? undefined : failure(ACTED_FOR, policy, 'insufficient_claim', 'a token by which somebody acts for its subject');
  },
  // the guard refuses an `act` that is not an object, but an app may have made the Auth
  negatable: (_policy, context) => (context?.auth.actor ?? undefined) === undefined,
  scopes: noScopes,
};

const make = policyMaker(ACTED_FOR.describe);
