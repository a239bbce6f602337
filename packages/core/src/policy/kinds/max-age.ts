import { rawClaims } from '../../auth/auth.js';
import { misuse } from '../../lib/configuration-error.js';
import { own } from '../../lib/json.js';
import { isNumericDate } from '../../lib/numeric-date.js';
import { shown } from '../../lib/shown-option.js';
import { documentedInWords } from '../documented.js';
import { policyMaker, type MaxAgePolicy, type Policy } from '../policy.js';
import { failure } from '../policy-failure.js';
import { noScopes, type PolicyKind } from '../policy-kind.js';

/** What the login route of `@tokenward/browser-session` accepts as `max_age`: 31 years. */
const MOST_SECONDS = 999_999_999;

/** Returns a policy that requires a login (`auth_time`) at most this many seconds ago. Otherwise the client gets a step-up challenge (RFC 9470). */
export function maxAge(seconds: number): Policy {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > MOST_SECONDS)
    throw misuse(`maxAge(${shown(seconds, 'number')})`, `needs a whole number of seconds, from 0 to ${MOST_SECONDS}`);
  return make({ kind: 'maxAge', seconds });
}

export const MAX_AGE: PolicyKind<MaxAgePolicy> = {
  describe: ({ seconds }) => `maxAge(${seconds})`,
  document: ({ seconds }) => documentedInWords(`a login at most ${seconds} seconds ago`, 'insufficient_user_authentication'),
  evaluate(policy, { auth, nowSeconds, clockSkewSeconds }) {
    // OpenID Connect Core s2: seconds since the epoch
    const loginAt = own(rawClaims(auth), 'auth_time');
    if (isNumericDate(loginAt) && loginAt <= nowSeconds + clockSkewSeconds && nowSeconds - loginAt <= policy.seconds) return undefined;
    const secondsSinceLogin = typeof loginAt === 'number' && loginAt <= nowSeconds ? nowSeconds - loginAt : undefined;
    return failure(MAX_AGE, policy, 'stale_authentication', policy.seconds, secondsSinceLogin);
  },
  negatable: () => false,
  scopes: noScopes,
  logins: ({ seconds }) => [{ maxAgeSeconds: seconds }],
};

const make = policyMaker(MAX_AGE.describe);
