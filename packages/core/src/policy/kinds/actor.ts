import type { Auth } from '../../auth/auth.js';
import { isJsonObject, own } from '../../lib/json.js';
import { documentedInWords } from '../documented.js';
import { callText, checkedNames, CLAIM_NAME } from '../names.js';
import { policyMaker, type ActorPolicy, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/** A chain of more actors, each of whom acts for the next, satisfies no such policy. */
const MAX_ACTORS = 8;

/**
 * Returns a policy that requires a token by which one of these parties acts for its subject (RFC 8693 s4.1): the `sub` of the claim `act`. Only the current
 * actor counts, and not those before it, which are nested in `act`. An actor of another issuer than the token's does not count.
 *
 * @example allOf(scope('calendar:write'), actor('assistant'))
 */
export function actor(...subjects: readonly string[]): Policy {
  return make({ kind: 'actor', actors: checkedNames('actor', subjects, CLAIM_NAME) });
}

export const ACTOR: PolicyKind<ActorPolicy> = {
  describe: ({ actors }) => callText('actor', actors),
  document: () => documentedInWords('an actor that this API accepts'),
  evaluate(policy, { auth }) {
    // neither undefined nor null is a name
    if (policy.actors.includes(actorOf(auth)!)) return undefined;
    return failure(ACTOR, policy, 'insufficient_claim', policy.actors, auth.actor);
  },
  // an actor of another issuer, or one without a name, may be the one that is meant
  negatable: (_policy, context) => context === undefined || actorOf(context.auth) !== null,
  scopes: noScopes,
};

const make = policyMaker(ACTOR.describe);

/** Returns the name of the current actor; undefined if nobody acts for the subject, and null if the actor is not clear. */
function actorOf({ actor: current, issuer }: Auth): string | null | undefined {
  if (current === undefined) return undefined;
  const { sub, iss } = { sub: own(current, 'sub'), iss: own(current, 'iss') ?? issuer };
  return typeof sub === 'string' && iss === issuer && isChain(current) ? sub : null;
}

function isChain(current: Readonly<Record<string, unknown>>): boolean {
  let at: unknown = current;
  for (let depth = 0; depth < MAX_ACTORS; depth++) {
    if (at === undefined || at === null) return true;
    if (!isJsonObject(at)) return false;
    at = own(at, 'act');
  }
  return at === undefined || at === null;
}
