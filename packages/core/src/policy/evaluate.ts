import { isNumericDate } from '../lib/numeric-date.js';
import { isUnreadable, unreadableAs } from '../auth/names.js';
import { own } from '../lib/json.js';
import { rawClaims, type Auth } from '../auth/auth.js';
import type { DenialDetails } from '../decision/denial.js';
import type { Reason } from '../vocabulary/reason.js';
import { policyTexts, type ClaimPolicy, type CombinedPolicy, type NotPolicy, type Policy, type RolePolicy, type ScopePolicy } from './policy.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { forPredicates } from '../request/request-path.js';
import { isThenable } from '../lib/thenable.js';
import { classOf } from '../lib/thrown.js';
import { printable } from '../lib/url.js';

/** What a policy is asked about. */
export interface Circumstances {
  readonly auth: Auth;
  readonly request: ProtectedRequest | undefined;
  /** Seconds since the epoch. */
  readonly nowSeconds: number;
  readonly clockSkewSeconds: number;
}

export type PolicyReason = Extract<
  Reason,
  'insufficient_scope' | 'insufficient_role' | 'insufficient_claim' | 'policy_refused' | 'weak_authentication' | 'stale_authentication'
>;

/** What lacks, in the terms of the answer: the reason, and what the challenge can name. */
export interface Lack {
  readonly reason: PolicyReason;
  readonly details: DenialDetails;
}

/** undefined: the policy is satisfied. */
export function lacking(policy: Policy, circumstances: Circumstances): Lack | undefined {
  const { auth } = circumstances;
  switch (policy.kind) {
    case 'scope':
      return policy.scopes.every((name) => auth.scopes.includes(name)) ? undefined : scopeLack(policy, policy.scopes, auth);
    case 'anyScope':
      // any one would do: the first is named, since the challenge's list means all of them
      return policy.scopes.some((name) => auth.scopes.includes(name)) ? undefined : scopeLack(policy, policy.scopes.slice(0, 1), auth);
    case 'role':
      return policy.roles.every((name) => auth.roles.includes(name)) ? undefined : roleLack(policy, auth);
    case 'anyRole':
      return policy.roles.some((name) => auth.roles.includes(name)) ? undefined : roleLack(policy, auth);
    case 'claim':
      return claimLack(policy, circumstances);
    case 'issuedBy':
      return policy.issuers.includes(auth.issuer) ? undefined : lack('insufficient_claim', policy, policy.issuers, auth.issuer);
    case 'acr': {
      const found = own(rawClaims(auth), 'acr');
      return policy.values.includes(found as string) ? undefined : stepUpLack('weak_authentication', policy, policy.values, found);
    }
    case 'maxAge':
      return isRecentLogin(policy.seconds, circumstances)
        ? undefined
        : stepUpLack('stale_authentication', policy, policy.seconds, secondsSinceLogin(circumstances));
    case 'policy':
      return answersTrue(() => policy.test(auth, forPredicates(circumstances.request)), 'policy_refused', policy);
    case 'not':
      return notLack(policy, circumstances);
    case 'allOf':
      return allLack(policy, circumstances);
    case 'anyOf':
      return anyLack(policy, circumstances);
    default:
      return { reason: 'policy_refused', details: { cause: `a policy of the unknown kind ${(policy as { kind: string }).kind}` } };
  }
}

/** The scope that a token would need where a policy stands and nothing is known of the caller yet. */
export function neededScope(policy: Policy | undefined): readonly string[] {
  switch (policy?.kind) {
    case 'scope':
      return policy.scopes;
    case 'anyScope':
      return policy.scopes.slice(0, 1);
    case 'allOf':
      return [...new Set(policy.policies.flatMap(neededScope))];
    case 'anyOf':
      return policy.policies.map(neededScope).find((scopes) => scopes.length > 0) ?? [];
    default:
      return [];
  }
}

function allLack(policy: CombinedPolicy, circumstances: Circumstances): Lack | undefined {
  const lacks: Lack[] = [];
  const held: string[] = [];
  for (const part of policy.policies) {
    const lack = lacking(part, circumstances);
    if (lack) lacks.push(lack);
  }
  if (lacks.length === 0) return undefined;
  // what a new login can't mend comes first, and of that what a new scope can't mend
  const denied = lacks.filter((lack) => !isStepUp(lack));
  if (denied.length === 0) {
    const { acrValues, maxAgeSeconds } = demandedLogin(policy);
    const { reason, details } = lacks[0]!;
    return {
      reason,
      details: {
        expected: details.expected,
        found: details.found,
        acrValues: acrValues ?? lacks.find((lack) => lack.details.acrValues)?.details.acrValues,
        maxAgeSeconds: maxAgeSeconds ?? lacks.find((lack) => lack.details.maxAgeSeconds !== undefined)?.details.maxAgeSeconds,
        cause: causes(lacks),
      },
    };
  }
  const { reason, details } = denied.find((lack) => lack.reason !== 'insufficient_scope') ?? denied[0]!;
  const { expected, found } = details;
  if (!denied.some((lack) => lack.details.scope)) return { reason, details: { cause: causes(denied), expected, found } };
  for (const part of policy.policies) collectHeldScopes(part, circumstances.auth, held);
  const scope = [...new Set([...held, ...denied.flatMap((lack) => lack.details.scope ?? [])])];
  return { reason, details: { scope, cause: causes(denied), expected: reason === 'insufficient_scope' ? scope : expected, found } };
}

/** Of several ways in, the one that is told is the one that the client can go: a scope to ask for, else a login. */
function anyLack(policy: CombinedPolicy, circumstances: Circumstances): Lack | undefined {
  const lacks: Lack[] = [];
  for (const part of policy.policies) {
    const lack = lacking(part, circumstances);
    if (!lack) return undefined;
    lacks.push(lack);
  }
  const told = lacks.find((lack) => lack.reason === 'insufficient_scope') ?? lacks.find(isStepUp) ?? lacks[0]!;
  return { reason: told.reason, details: { ...told.details, cause: textOf(policy) } };
}

/** The scopes that a policy speaks of and the token has: a new token must not lose them (RFC 6750 s3.1 names the whole scope). */
function collectHeldScopes(policy: Policy, auth: Auth, into: string[]): void {
  if (policy.kind === 'scope' || policy.kind === 'anyScope') into.push(...policy.scopes.filter((name) => auth.scopes.includes(name)));
  else if (policy.kind === 'allOf' || policy.kind === 'anyOf') for (const part of policy.policies) collectHeldScopes(part, auth, into);
}

function claimLack(policy: ClaimPolicy, circumstances: Circumstances): Lack | undefined {
  const value = own(rawClaims(circumstances.auth), policy.name);
  const { expected } = policy;
  if (typeof expected !== 'function') return value === expected ? undefined : lack('insufficient_claim', policy, expected, value);
  if (value === undefined || value === null) return lack('insufficient_claim', policy, 'a claim that is there', value);
  return answersTrue(() => expected(value, circumstances.auth, forPredicates(circumstances.request)), 'insufficient_claim', policy);
}

function notLack(policy: NotPolicy, circumstances: Circumstances): Lack | undefined {
  if (lacking(policy.policy, circumstances) === undefined) return lack('policy_refused', policy);
  if (!isUndecided(policy.policy, circumstances.auth)) return undefined;
  return { reason: 'policy_refused', details: { cause: `${textOf(policy)}: what the token says cannot be compared, which refuses` } };
}

/** A predicate admits by `true` and nothing else; what it throws is the operator's to see. */
function answersTrue(ask: () => unknown, reason: PolicyReason, policy: Policy): Lack | undefined {
  let answer: unknown;
  try {
    answer = ask();
    if (answer === true) return undefined;
    if (answer === false) return lack(reason, policy);
    if (!isThenable(answer)) return { reason, details: { cause: `${textOf(policy)} answered with ${typeOf(answer)}, not true` } };
    Promise.resolve(answer).catch(() => {});
  } catch (thrown) {
    return { reason, details: { cause: new PredicateError(policy, thrown) } };
  }
  return { reason, details: { cause: new TypeError(`${textOf(policy)} answered with a promise: a predicate must answer at once`) } };
}

function typeOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A predicate of the user's threw. Nothing of what it threw is kept: message, stack and members may be the token's text, or a secret's. */
class PredicateError extends Error {
  override readonly name = 'PredicateError';

  constructor(policy: Policy, thrown: unknown) {
    super(`${textOf(policy)} threw ${classOf(thrown)}. Catch it there to see what it says, which is not shown since it may quote the token`);
  }
}

/** A policy as operators see it: made of a request, it may hold what the client wrote. Most refuse more than once, so the text is kept. */
function textOf(policy: Policy): string {
  let text = policyTexts.get(policy);
  if (text === undefined) policyTexts.set(policy, (text = printable(String(policy), 500)));
  return text;
}

/**
 * Whether nobody can tell if a policy holds, so that its opposite must not admit: scopes, roles or a claim that the token has in a form that can't
 * be read or compared, and what `not` is never made of, such as a kind that only a newer copy of this package knows. What is absent, or null,
 * is no such doubt: it says nothing, so the policy does not hold.
 */
function isUndecided(policy: Policy, auth: Auth): boolean {
  switch (policy.kind) {
    case 'scope':
    case 'anyScope':
      return isUnreadable(auth.scopes) || mayContain(auth.scopes, policy.scopes);
    case 'role':
    case 'anyRole':
      return isUnreadable(auth.roles) || (auth.roles.length === 1 && mayContain(auth.roles, policy.roles));
    case 'claim':
      return isIncomparable(own(rawClaims(auth), policy.name), policy.expected);
    case 'issuedBy':
      return false;
    case 'allOf':
    case 'anyOf':
      return policy.policies.some((part) => isUndecided(part, auth));
    case 'not':
      return isUndecided(policy.policy, auth);
    default:
      return true;
  }
}

/** Whether a name that is held is perhaps a list in one text (`user,suspended`) with one of these names in it. */
function mayContain(held: readonly string[], names: readonly string[]): boolean {
  return held.some((one) => !names.includes(one) && one.split(LIST_SEPARATORS).some((part) => names.includes(part)));
}

const LIST_SEPARATORS = /[\s,;|]+/;

/** A value of another type is neither equal to the expected one nor surely different: `"true"`, `["suspended"]`, `{ "value": "suspended" }`. */
function isIncomparable(value: unknown, expected: ClaimPolicy['expected']): boolean {
  if (typeof expected === 'function') return true;
  return value !== undefined && value !== null && typeof value !== typeof expected;
}

/** OpenID Connect Core s2: `auth_time` in seconds since the epoch. */
function isRecentLogin(seconds: number, { auth, nowSeconds, clockSkewSeconds }: Circumstances): boolean {
  const loginAt = own(rawClaims(auth), 'auth_time');
  return isNumericDate(loginAt) && loginAt <= nowSeconds + clockSkewSeconds && nowSeconds - loginAt <= seconds;
}

function secondsSinceLogin({ auth, nowSeconds }: Circumstances): number | undefined {
  const loginAt = own(rawClaims(auth), 'auth_time');
  return typeof loginAt === 'number' ? nowSeconds - loginAt : undefined;
}

function scopeLack(policy: ScopePolicy, scope: readonly string[], { scopes }: Auth): Lack {
  return { reason: 'insufficient_scope', details: { scope, ...namesLack(policy, policy.scopes, scopes, "the token's scopes") } };
}

function roleLack(policy: RolePolicy, { roles }: Auth): Lack {
  return { reason: 'insufficient_role', details: namesLack(policy, policy.roles, roles, "the token's roles") };
}

function namesLack(policy: Policy, expected: readonly string[], held: readonly string[], what: string): DenialDetails {
  if (!isUnreadable(held)) return { cause: textOf(policy), expected, found: held };
  const found = unreadableAs(held);
  return { cause: `${textOf(policy)}: ${what} are ${found}`, expected, found };
}

function stepUpLack(reason: PolicyReason, policy: Policy, expected: unknown, found: unknown): Lack {
  return { reason, details: { ...demandedLogin(policy), cause: textOf(policy), expected, found } };
}

/** The whole login that a policy demands, since one made only for the part that lacks could lose the other. */
function demandedLogin(policy: Policy): Pick<DenialDetails, 'acrValues' | 'maxAgeSeconds'> {
  if (policy.kind === 'acr') return { acrValues: policy.values };
  if (policy.kind === 'maxAge') return { maxAgeSeconds: policy.seconds };
  if (policy.kind !== 'allOf') return {};
  const parts = policy.policies.map(demandedLogin);
  const ages = parts.flatMap((part) => part.maxAgeSeconds ?? []);
  return { acrValues: parts.find((part) => part.acrValues)?.acrValues, maxAgeSeconds: ages.length ? Math.min(...ages) : undefined };
}

function lack(reason: PolicyReason, policy: Policy, expected?: unknown, found?: unknown): Lack {
  return { reason, details: { cause: textOf(policy), expected, found } };
}

function isStepUp({ reason }: Lack): boolean {
  return reason === 'weak_authentication' || reason === 'stale_authentication';
}

function causes(lacks: readonly Lack[]): unknown {
  return lacks.length === 1 ? lacks[0]!.details.cause : lacks.map((lack) => lack.details.cause);
}
