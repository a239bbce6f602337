import { misuse } from '../lib/configuration-error.js';
import { ACTED_FOR } from './kinds/acted-for.js';
import { ACTOR } from './kinds/actor.js';
import { ACR } from './kinds/acr.js';
import { allOfKind } from './kinds/all-of.js';
import { anyOfKind } from './kinds/any-of.js';
import { ANY_ROLE } from './kinds/any-role.js';
import { ANY_SCOPE } from './kinds/any-scope.js';
import { AUTHORIZATION_DETAILS } from './kinds/authorization-details.js';
import { CLAIM } from './kinds/claim.js';
import { ISSUED_BY } from './kinds/issued-by.js';
import { MAX_AGE } from './kinds/max-age.js';
import { NAMED } from './kinds/named.js';
import { NOBODY } from './kinds/nobody.js';
import { notKind } from './kinds/not.js';
import { ROLE } from './kinds/role.js';
import { SCOPE } from './kinds/scope.js';
import { UNKNOWN } from './kinds/unknown.js';
import { isBranded, type Policy, type PolicyOf } from './policy.js';
import type { PolicyKind } from './policy-kind.js';

export const ALL_OF = allOfKind(kindOf);

/** Every kind of policy. A missing kind of {@link Policy} is a compile error. */
const KINDS: { readonly [K in Policy['kind']]: PolicyKind<PolicyOf<K>> } = {
  scope: SCOPE,
  anyScope: ANY_SCOPE,
  role: ROLE,
  anyRole: ANY_ROLE,
  claim: CLAIM,
  issuedBy: ISSUED_BY,
  acr: ACR,
  maxAge: MAX_AGE,
  authorizationDetails: AUTHORIZATION_DETAILS,
  actor: ACTOR,
  actedFor: ACTED_FOR,
  nobody: NOBODY,
  policy: NAMED,
  allOf: ALL_OF,
  anyOf: anyOfKind(kindOf),
  not: notKind(kindOf),
};

// a Map, because every object has members such as `constructor`
const BY_NAME: ReadonlyMap<unknown, PolicyKind<Policy>> = new Map(Object.entries<PolicyKind<never>>(KINDS));

/** Returns the kind of a policy. It is found by name, because another copy of this package may have created the policy. */
export function kindOf(policy: Policy): PolicyKind<Policy> {
  return BY_NAME.get(policy.kind) ?? UNKNOWN;
}

/** Returns whether a value is a policy that this copy of the package can evaluate. Any copy may have created it. A kind that only a newer copy knows does not count. */
export function isPolicy(value: unknown): value is Policy {
  return isBranded(value) && BY_NAME.has(value.kind);
}

/** @throws ConfigurationError if a value is not a policy: one that is `undefined` by mistake would require nothing */
export function assertPolicy(where: string, value: unknown): asserts value is Policy {
  if (isPolicy(value)) return;
  const isRequest = typeof value === 'object' && value !== null && ('headers' in value || 'req' in value);
  throw misuse(
    where,
    isRequest
      ? 'is a request: to use a guard as middleware, write guard() and not guard'
      : `is ${value === null ? 'null' : typeof value}, not a policy such as scope('orders:read')`,
  );
}
