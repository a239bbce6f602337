import type { Policy } from './policy.js';
import type { PolicyKind, RequiredLogin } from './policy-kind.js';

/** Every login is enough: not even a new one is needed. Always this very list, so that it can be compared. */
export const ANY_LOGIN: readonly RequiredLogin[] = Object.freeze([Object.freeze({})]);
/** No login is enough. */
export const NO_LOGIN: readonly RequiredLogin[] = Object.freeze([]);

/** How many characters of `acr_values` a challenge names, and how many the login route of `@tokenward/browser-session` accepts. */
export const MAX_ACR_VALUES_LENGTH = 500;

/** Returns the logins of which each satisfies a policy with some token. */
export function loginsOf(kind: PolicyKind<Policy>, policy: Policy): readonly RequiredLogin[] {
  return kind.logins?.(policy) ?? ANY_LOGIN;
}

/** Returns the logins that satisfy both lists of alternatives. */
function bothLogins(ones: readonly RequiredLogin[], others: readonly RequiredLogin[]): readonly RequiredLogin[] {
  if (ones === ANY_LOGIN) return others;
  if (others === ANY_LOGIN) return ones;
  return simplest(ones.flatMap((one) => others.flatMap((other) => strictest(one, other) ?? [])));
}

/** Returns the logins that satisfy all of these lists of alternatives. */
export function jointLogins(lists: readonly (readonly RequiredLogin[])[]): readonly RequiredLogin[] {
  return lists.reduce((joint, one) => bothLogins(joint, one), ANY_LOGIN);
}

/** Merges alternatives of the same maximum age, so that combining lists does not multiply them, and leaves out those that demand more than another. */
export function simplest(logins: readonly RequiredLogin[]): readonly RequiredLogin[] {
  if (logins.length < 2) return logins;
  const byAge = new Map<number | undefined, RequiredLogin>();
  for (const login of logins) {
    const { acrValues, maxAgeSeconds } = login;
    const known = byAge.get(maxAgeSeconds);
    byAge.set(maxAgeSeconds, known ? { acrValues: known.acrValues && acrValues && union(known.acrValues, acrValues), maxAgeSeconds } : login);
  }
  const merged = [...byAge.values()];
  return merged.filter((one) => !merged.some((other) => other !== one && isStricter(one, other)));
}

/**
 * Reduces alternatives to what one challenge can express: one list of acr values and one maximum age. Returns the first alternative, with the acr values of all
 * others that a login of its age satisfies. There must be at least one alternative.
 */
export function namedLogin(logins: readonly RequiredLogin[]): RequiredLogin {
  const { acrValues, maxAgeSeconds } = logins[0]!;
  const fitting = logins.filter((login) => ageOf(login) >= ageOf(logins[0]!));
  return { acrValues: acrValues && union(...fitting.map((login) => login.acrValues ?? [])), maxAgeSeconds };
}

/** Returns a login that satisfies the same policies, with as many acr values as a login route accepts. A single longer value is left as it is. */
export function shortened({ acrValues, maxAgeSeconds }: RequiredLogin): RequiredLogin {
  return { acrValues: acrValues && shortList(acrValues), maxAgeSeconds };
}

function shortList(values: readonly string[]): readonly string[] {
  let length = -1;
  const short = values.filter((value) => {
    const isFitting = length + 1 + value.length <= MAX_ACR_VALUES_LENGTH;
    if (isFitting) length += 1 + value.length;
    return isFitting;
  });
  return short.length > 0 ? short : values.slice(0, 1);
}

/** Returns whether every login that satisfies `one` satisfies `other`, too. */
function isStricter(one: RequiredLogin, other: RequiredLogin): boolean {
  if (ageOf(one) > ageOf(other)) return false;
  return other.acrValues === undefined || one.acrValues?.every((value) => other.acrValues!.includes(value)) === true;
}

/** Returns the requirements on a login that satisfies both; undefined if none can, because it has one acr. */
function strictest(one: RequiredLogin, other: RequiredLogin): RequiredLogin | undefined {
  const acrValues = one.acrValues && other.acrValues ? one.acrValues.filter((value) => other.acrValues!.includes(value)) : (one.acrValues ?? other.acrValues);
  if (acrValues?.length === 0) return undefined;
  const age = Math.min(ageOf(one), ageOf(other));
  return { acrValues, maxAgeSeconds: age === Infinity ? undefined : age };
}

function ageOf({ maxAgeSeconds }: RequiredLogin): number {
  return maxAgeSeconds ?? Infinity;
}

function union(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())];
}
