import { misuse } from '../lib/configuration-error.js';
import type { Auth } from '../auth/auth.js';
import { createMemory } from '../lib/private-slot.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { shown, shownMember } from '../lib/shown-option.js';
import { printable } from '../lib/url.js';

/**
 * What a route demands of a token: a plain, frozen value. It can be printed (`String(policy)`), tested with no HTTP
 * (`guard.permit(auth, policy)`), put on a route, or read by other programs by its `kind`.
 */
export type Policy = ScopePolicy | RolePolicy | ClaimPolicy | IssuerPolicy | CombinedPolicy | NotPolicy | AcrPolicy | MaxAgePolicy | NamedPolicy;

interface Branded {
  readonly [POLICY]: true;
  /** The policy as the call that makes it: `anyOf(scope("reports:read"), role("auditor"))`. */
  toString(): string;
}
export interface ScopePolicy extends Branded {
  readonly kind: 'scope' | 'anyScope';
  readonly scopes: readonly string[];
}
export interface RolePolicy extends Branded {
  readonly kind: 'role' | 'anyRole';
  readonly roles: readonly string[];
}
export interface ClaimPolicy extends Branded {
  readonly kind: 'claim';
  readonly name: string;
  readonly expected: ClaimValue | ClaimPredicate;
}
export interface IssuerPolicy extends Branded {
  readonly kind: 'issuedBy';
  readonly issuers: readonly string[];
}
export interface CombinedPolicy extends Branded {
  readonly kind: 'allOf' | 'anyOf';
  readonly policies: readonly Policy[];
}
export interface NotPolicy extends Branded {
  readonly kind: 'not';
  readonly policy: Policy;
}
export interface AcrPolicy extends Branded {
  readonly kind: 'acr';
  readonly values: readonly string[];
}
export interface MaxAgePolicy extends Branded {
  readonly kind: 'maxAge';
  readonly seconds: number;
}
export interface NamedPolicy extends Branded {
  readonly kind: 'policy';
  readonly name: string;
  readonly test: PolicyPredicate;
}

export type ClaimValue = string | number | boolean;
/** Must answer `true`, at once. Anything else refuses: a truthy object, a promise, an exception. */
export type ClaimPredicate = (value: unknown, auth: Auth, request: ProtectedRequest | undefined) => boolean;
/** Must answer `true`, at once. Anything else refuses: a truthy object, a promise, an exception. */
export type PolicyPredicate = (auth: Auth, request: ProtectedRequest | undefined) => boolean;

const POLICY: unique symbol = Symbol.for('tokenward.policy') as never;

/** All of these scopes (RFC 6749 s3.3), compared whole and with case. */
export function scope(...scopes: readonly string[]): Policy {
  return make({ kind: 'scope', scopes: names('scope', scopes, SCOPE) });
}

/** At least one of these scopes. */
export function anyScope(...scopes: readonly string[]): Policy {
  return make({ kind: 'anyScope', scopes: names('anyScope', scopes, SCOPE) });
}

/** All of these roles, from where the guard's `rolesClaim` says. A role's name may hold blanks: `role('Domain Admins')` is one role. */
export function role(...roles: readonly string[]): Policy {
  return make({ kind: 'role', roles: names('role', roles, ROLE) });
}

/** At least one of these roles. */
export function anyRole(...roles: readonly string[]): Policy {
  return make({ kind: 'anyRole', roles: names('anyRole', roles, ROLE) });
}

/**
 * A claim that is present, not null, and equal to a value, or for which a predicate answers `true`.
 *
 * @example claim('tenant', (tenant, auth, request) => request?.params?.['tenant'] === tenant)
 */
export function claim(name: string, expected: ClaimValue | ClaimPredicate): Policy {
  names('claim', [name], CLAIM);
  if (!['string', 'number', 'boolean', 'function'].includes(typeof expected) || expected === '' || Number.isNaN(expected)) {
    throw misuse(`claim("${shownMember(name)}", ...)`, 'needs a value (string, number or boolean) or a function as its second argument');
  }
  return make({ kind: 'claim', name, expected });
}

/**
 * A token of one of these issuers, to the letter as the options have them: to ask more, or less, of a partner's tokens.
 *
 * @example anyOf(scope('orders:read'), allOf(issuedBy('https://login.partner.example'), scope('read')))
 */
export function issuedBy(...issuers: readonly string[]): Policy {
  return make({ kind: 'issuedBy', issuers: names('issuedBy', issuers, SCOPE) });
}

/** All of these policies. */
export function allOf(...policies: readonly Policy[]): Policy {
  return make({ kind: 'allOf', policies: parts('allOf', policies) });
}

/** At least one of these policies. */
export function anyOf(...policies: readonly Policy[]): Policy {
  return make({ kind: 'anyOf', policies: parts('anyOf', policies) });
}

/**
 * The opposite of a policy about what the token says: `not(role('suspended'))`. It admits only where the policy surely does not hold. A claim, scopes
 * or roles in a form that can't be compared refuse: a list or `"true"` where `claim` expects `true`, say. A claim that is absent or null, and a token
 * without scopes or roles, admit; to refuse those, demand the claim too: `allOf(claim('status', ...), not(...))`.
 *
 * A predicate can't be negated, since one that fails refuses and its opposite would then admit; write the opposite into the predicate.
 */
export function not(negated: Policy): Policy {
  const [part] = parts('not', [negated]);
  if (!isNegatable(part!)) {
    throw misuse(
      'not(...)',
      `negates scopes, roles and claim values; ${printable(describe(part!))} holds something else, whose opposite would admit where it fails`,
    );
  }
  return make({ kind: 'not', policy: part! });
}

/** A login of at least one of these authentication context classes, else a step-up challenge (RFC 9470). */
export function acr(...values: readonly string[]): Policy {
  return make({ kind: 'acr', values: names('acr', values, SCOPE) });
}

/** A login (`auth_time`) not older than so many seconds, else a step-up challenge (RFC 9470). */
export function maxAge(seconds: number): Policy {
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw misuse(`maxAge(${shown(seconds, 'number')})`, 'needs a whole number of seconds, 0 or more');
  return make({ kind: 'maxAge', seconds });
}

/** A rule of your own, under the name by which operators will see it. */
export function policy(name: string, test: PolicyPredicate): Policy {
  if (typeof name === 'function') throw misuse('policy(...)', "needs a name first, under which operators see it: policy('working hours', (auth) => ...)");
  names('policy', [name], CLAIM);
  if (typeof test !== 'function') throw misuse(`policy("${shownMember(name)}", ...)`, 'needs a function as its second argument');
  return make({ kind: 'policy', name, test });
}

/** Whether a value was made by one of the functions above, in whichever copy of this package. */
export function isPolicy(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && (value as Partial<Branded>)[POLICY] === true && KINDS.has((value as Policy).kind);
}

/** A newer copy of this package may make kinds that this one can't judge: to it they are no policies. */
const KINDS: ReadonlySet<unknown> = new Set<Policy['kind']>([
  'scope',
  'anyScope',
  'role',
  'anyRole',
  'claim',
  'issuedBy',
  'allOf',
  'anyOf',
  'not',
  'acr',
  'maxAge',
  'policy',
]);

/** @throws ConfigurationError where a value is no policy: one that is `undefined` by a slip would demand nothing */
export function assertPolicy(where: string, value: unknown): asserts value is Policy {
  if (isPolicy(value)) return;
  const isRequest = typeof value === 'object' && value !== null && ('headers' in value || 'req' in value);
  throw misuse(
    where,
    isRequest
      ? 'is a request: where middleware goes, write guard() and not guard'
      : `is ${value === null ? 'null' : typeof value}, not a policy such as scope('orders:read')`,
  );
}

/** Several policies as the one they add up to. */
export function combine(policies: readonly Policy[]): Policy | undefined {
  if (policies.length === 0) return undefined;
  const checked = parts('guard', policies);
  return checked.length === 1 ? checked[0] : allOf(...checked);
}

function describe(value: Policy): string {
  switch (value.kind) {
    case 'scope':
    case 'anyScope':
      return call(value.kind, value.scopes);
    case 'role':
    case 'anyRole':
      return call(value.kind, value.roles);
    case 'issuedBy':
      return call(value.kind, value.issuers);
    case 'acr':
      return call(value.kind, value.values);
    case 'claim':
      return `claim(${JSON.stringify(value.name)}, ${typeof value.expected === 'function' ? 'predicate' : JSON.stringify(value.expected)})`;
    case 'allOf':
    case 'anyOf':
      return `${value.kind}(${value.policies.map(describe).join(', ')})`;
    case 'not':
      return `not(${describe(value.policy)})`;
    case 'maxAge':
      return `maxAge(${value.seconds})`;
    case 'policy':
      return `policy(${JSON.stringify(value.name)})`;
  }
}

function call(name: string, values: readonly string[]): string {
  return `${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`;
}

const prototype = Object.freeze({
  [POLICY]: true as const,
  toString(this: Policy): string {
    return describe(this);
  },
});

type Unbranded<P> = P extends Policy ? Omit<P, keyof Branded> : never;

/** What operators see of a policy, once somebody has asked. */
export const policyTexts = createMemory<Policy, string>();

function make(value: Unbranded<Policy>): Policy {
  const made = Object.assign(Object.create(prototype) as object, value) as Policy;
  // room for the text, while the object still takes one
  policyTexts.set(made, undefined);
  return Object.freeze(made);
}

/** scope-token: RFC 6749 s3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** Printable; blanks stand within it alone. */
const ROLE = /^[^\s\p{C}]+(?: +[^\s\p{C}]+)*$/u;
const CLAIM = /^[^\p{C}]+$/u;

function names(of: string, values: readonly string[], allowed: RegExp): readonly string[] {
  if (values.length === 0) throw misuse(`${of}()`, 'needs at least one name: a policy made of nothing would admit everybody');
  for (const value of values) {
    if (typeof value !== 'string' || !allowed.test(value)) {
      const words = typeof value === 'string' ? value.split(/\s/).filter((word) => word !== '') : [];
      const isShowable = words.length > 0 && words.length < 10 && words.every((word) => shownMember(word) === word);
      const given = typeof value !== 'string' ? typeof value : isShowable ? JSON.stringify(value) : shown(value);
      const several = isShowable && /^\S+( \S+)+$/.test(value) ? `; several are several arguments: ${call(of, words)}` : '';
      const list = Array.isArray(value) ? `; several are several arguments: ${of}('a', 'b')` : '';
      throw misuse(`${of}(${given})`, `is not a name that a token can hold${several}${list}`);
    }
  }
  return Object.freeze([...new Set(values)]);
}

function parts(of: string, policies: readonly Policy[]): readonly Policy[] {
  if (policies.length === 0) throw misuse(`${of}()`, 'needs at least one policy: made of nothing it would admit everybody');
  for (const [index, part] of policies.entries()) {
    assertPolicy(`${of}(...) argument ${index + 1}`, part);
  }
  return Object.freeze([...policies]);
}

function isNegatable(value: Policy): boolean {
  switch (value.kind) {
    case 'scope':
    case 'anyScope':
    case 'role':
    case 'anyRole':
    case 'issuedBy':
      return true;
    case 'claim':
      return typeof value.expected !== 'function';
    case 'allOf':
    case 'anyOf':
      return value.policies.every(isNegatable);
    case 'not':
      return isNegatable(value.policy);
    case 'acr':
    case 'maxAge':
    case 'policy':
      return false;
  }
}
