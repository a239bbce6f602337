import type { Auth } from '../auth/auth.js';
import type { AppClaims } from '../auth/app-claims.js';
import { createMemory } from '../lib/private-slot.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/**
 * What a route requires of a token: a plain, frozen value. You can print it (`String(policy)`), test it without HTTP (`guard.permit(auth, policy)`), attach
 * it to a route, or read it by its `kind`.
 */
export type Policy =
  | ScopePolicy
  | RolePolicy
  | ClaimPolicy
  | IssuerPolicy
  | CombinedPolicy
  | NotPolicy
  | AcrPolicy
  | MaxAgePolicy
  | AuthorizationDetailsPolicy
  | ActorPolicy
  | ActedForPolicy
  | NobodyPolicy
  | NamedPolicy;

/** The policies of an API's routes. A function is called when they are needed, since routes may be added later. */
export type RoutePolicies = readonly Policy[] | (() => readonly Policy[]);

interface Branded {
  readonly [POLICY]: true;
  /** Returns the policy as the call that creates it: `anyOf(scope("reports:read"), role("auditor"))`. */
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
export interface AuthorizationDetailsPolicy extends Branded {
  readonly kind: 'authorizationDetails';
  readonly type: string;
  readonly accepts: DetailPredicate;
}
export interface ActorPolicy extends Branded {
  readonly kind: 'actor';
  readonly actors: readonly string[];
}
export interface ActedForPolicy extends Branded {
  readonly kind: 'actedFor';
}
export interface NobodyPolicy extends Branded {
  readonly kind: 'nobody';
  readonly reason: 'unlisted_tool' | 'malformed_message';
  readonly cause: string | undefined;
}
export interface NamedPolicy extends Branded {
  readonly kind: 'policy';
  readonly name: string;
  readonly test: PolicyPredicate;
}

export type ClaimValue = string | number | boolean;
/** Admits only by returning `true`, synchronously. Anything else refuses: a truthy object, a promise, an exception. */
export type ClaimPredicate<C extends object = AppClaims> = (value: unknown, auth: Auth<C>, request: ProtectedRequest | undefined) => boolean;
/** Admits only by returning `true`, synchronously. Anything else refuses: a truthy object, a promise, an exception. */
export type PolicyPredicate<C extends object = AppClaims> = (auth: Auth<C>, request: ProtectedRequest | undefined) => boolean;

/** An item of `authorization_details` (RFC 9396 s2). It is frozen. Read only own members, because the token chooses the names. */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: unknown;
}
/** Admits only by returning `true`, synchronously. Anything else refuses: a truthy object, a promise, an exception. */
export type DetailPredicate<C extends object = AppClaims> = (detail: AuthorizationDetail, auth: Auth<C>, request: ProtectedRequest | undefined) => boolean;

const POLICY: unique symbol = Symbol.for('tokenward.policy') as never;

/** The type of the policies of one kind: `PolicyOf<'scope'>` is {@link ScopePolicy}. */
export type PolicyOf<K extends Policy['kind'], P = Policy> = P extends Policy ? (K extends P['kind'] ? P : never) : never;

/** Returns whether a value has the brand of policies, of any copy of this package. This copy may not know its kind. */
export function isBranded(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && (value as Partial<Branded>)[POLICY] === true;
}

/** The text of each policy for operators, cached when it is first needed. */
export const policyTexts = createMemory<Policy, string>();

type Unbranded<P> = P extends Policy ? Omit<P, keyof Branded> : never;

/** Returns a function that creates the policies of one kind. They print as `describe` says. */
export function policyMaker<P extends Policy>(describe: (policy: P) => string): (members: Unbranded<P>) => Policy {
  const prototype = Object.freeze({
    [POLICY]: true as const,
    toString(this: P): string {
      return describe(this);
    },
  });
  return (members) => {
    const policy: P = Object.assign(Object.create(prototype) as P, members);
    // reserves the slot for the text, because a frozen object takes no new one
    policyTexts.set(policy, undefined);
    return Object.freeze(policy) as P;
  };
}
