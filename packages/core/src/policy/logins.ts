import type { DenialDetails } from '../decision/denial.js';
import type { Policy } from './policy.js';
import type { PolicyContext, PolicyKind, RequiredLogin } from './policy-kind.js';

/** Every login is enough: not even a new one is needed. */
export const ANY_LOGIN: readonly RequiredLogin[] = Object.freeze([Object.freeze({})]);
const NO_LOGIN: readonly RequiredLogin[] = Object.freeze([]);

/** Returns the logins that satisfy a policy of any kind for this token. */
export function loginsOf(kind: PolicyKind<Policy>, policy: Policy, context: PolicyContext): readonly RequiredLogin[] {
  if (kind.logins) return kind.logins(policy, context);
  return kind.evaluate(policy, context) ? NO_LOGIN : ANY_LOGIN;
}

/** Returns the logins that satisfy both lists of alternatives. */
export function bothLogins(ones: readonly RequiredLogin[], others: readonly RequiredLogin[]): readonly RequiredLogin[] {
  return distinctLogins(ones.flatMap((one) => others.flatMap((other) => strictest(one, other) ?? [])));
}

/** Merges alternatives of the same maximum age, so that combining lists does not multiply them. */
export function distinctLogins(logins: readonly RequiredLogin[]): readonly RequiredLogin[] {
  const byAge = new Map<number | undefined, RequiredLogin>();
  for (const login of logins) {
    const { acrValues, maxAgeSeconds } = login;
    const known = byAge.get(maxAgeSeconds);
    byAge.set(maxAgeSeconds, known ? { acrValues: known.acrValues && acrValues && union(known.acrValues, acrValues), maxAgeSeconds } : login);
  }
  return [...byAge.values()];
}

/**
 * Returns what a challenge says about alternatives, since it has one list of acr values and one maximum age. It is the first, together with the acr values of
 * those that a login of this age satisfies, too. undefined if there are none.
 */
export function namedLogin(logins: readonly RequiredLogin[]): RequiredLogin | undefined {
  const [first] = logins;
  if (!first) return undefined;
  const { acrValues, maxAgeSeconds } = first;
  const fitting = logins.filter((login) => (login.maxAgeSeconds ?? Infinity) >= (maxAgeSeconds ?? Infinity));
  return { acrValues: acrValues && union(...fitting.map((login) => login.acrValues ?? [])), maxAgeSeconds };
}

/** Returns the details of a failure whose challenge names a login. Operators see the same login as what was expected. */
export function withLogin(details: DenialDetails, login: RequiredLogin | undefined): DenialDetails {
  if (!login) return details;
  const { acrValues, maxAgeSeconds } = login;
  return { ...details, acrValues, maxAgeSeconds, expected: (typeof details.expected === 'number' ? maxAgeSeconds : acrValues) ?? details.expected };
}

/** Returns the requirements on a login that satisfies both; undefined if none can, because it has one acr. */
function strictest(one: RequiredLogin, other: RequiredLogin): RequiredLogin | undefined {
  const acrValues = one.acrValues && other.acrValues ? one.acrValues.filter((value) => other.acrValues!.includes(value)) : (one.acrValues ?? other.acrValues);
  if (acrValues?.length === 0) return undefined;
  const age = Math.min(one.maxAgeSeconds ?? Infinity, other.maxAgeSeconds ?? Infinity);
  return { acrValues, maxAgeSeconds: age === Infinity ? undefined : age };
}

function union(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())];
}
