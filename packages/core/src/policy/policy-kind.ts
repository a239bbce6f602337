import type { Auth } from '../auth/auth.js';
import type { ScopeHierarchy } from '../auth/scope-hierarchy.js';
import type { DenialDetails } from '../decision/denial.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { Reason } from '../vocabulary/reason.js';
import type { DocumentedPolicy } from './documented.js';
import type { Policy } from './policy.js';

/**
 * Everything that a guard needs to know about one kind of policy. Each kind is one such object in a file of its own under `kinds/`, next to the constructor
 * of its policies. No other code depends on `policy.kind`.
 */
export interface PolicyKind<P extends Policy> {
  /** Returns the policy as the call that creates it. Operators see this text, clients never do. */
  describe(policy: P): string;
  /** Returns what an OpenAPI document says about the policy. Clients read it. */
  document(policy: P): DocumentedPolicy;
  /**
   * Returns why the policy is not satisfied; undefined if it is, and then it allocates nothing. A policy that combines others returns any failure of its parts:
   * `outcome` chooses.
   */
  evaluate(policy: P, context: PolicyContext): PolicyFailure | undefined;
  /** Whether policies of this kind call a function of the user. A refusal remembers the answer, and does not call it again. */
  readonly hasPredicate?: true;
  /** Returns what a refusal says about a policy that combines others. Only refusals call it, once for each part. */
  outcome?(policy: P, context: PolicyContext, state: PartState): Outcome;
  /**
   * Returns whether `not(policy)` may admit if the policy fails. Without a context: whether `not` accepts the policy at all. With one: whether the token
   * in the context is clear enough to decide. A claim that is absent or null is clear: the policy does not hold.
   */
  negatable(policy: P, context?: PolicyContext): boolean;
  /** Returns the selected scopes of the policy. */
  scopes(policy: P, which: ScopeSelection): readonly string[];
  /** Returns the logins (RFC 9470) of which each satisfies the policy with some token. None: no token does, since it has one `acr`. Default: any login. */
  logins?(policy: P): readonly RequiredLogin[];
  /** Returns the types of `authorization_details` that the policy mentions. Default: none. */
  detailTypes?(policy: P): readonly string[];
}

/**
 * Which of a policy's scopes to return:
 *
 * - `sufficient`: the scopes that a client should ask for if nothing else is known about it; of alternatives, the first.
 * - `necessary`: the scopes that every token needs; of alternatives, none.
 * - `mentioned`: all scopes.
 */
export type ScopeSelection = 'sufficient' | 'necessary' | 'mentioned';

/** The requirements on a login that a challenge can name. */
export type RequiredLogin = Pick<DenialDetails, 'acrValues' | 'maxAgeSeconds'>;

/**
 * What is known about a part of a refused policy:
 *
 * - `evaluated`: this evaluation has reached it. If it has a predicate, it has failed only if the context remembers that.
 * - `passed`: an earlier guard has admitted the request by it.
 * - `unknown`: nothing, because another part was enough.
 */
export type PartState = 'evaluated' | 'passed' | 'unknown';

/** What a refusal says about a part of its policy. */
export interface Outcome {
  /** undefined: the part is satisfied. A failure that only a login solves implies that there is such a login. */
  readonly failure: PolicyFailure | undefined;
  /** The logins of which each satisfies the part, if nothing else about the token changes. None: no login does. */
  readonly logins: readonly RequiredLogin[];
  /** The same, if the token also had the scopes that it lacks. */
  readonly loginsWithScopes: readonly RequiredLogin[];
  /** The failure of an alternative within the part for which the token lacks scopes. A refusal reports it if no login is enough without these scopes. */
  readonly alternative?: PolicyFailure | undefined;
}

/** What a policy is evaluated against. */
export interface PolicyContext {
  readonly auth: Auth;
  readonly request: ProtectedRequest | undefined;
  /** Seconds since the epoch. */
  readonly nowSeconds: number;
  readonly clockSkewSeconds: number;
  /** The guard's option `scopes`. */
  readonly scopeHierarchy?: ScopeHierarchy | undefined;
  /** The predicates that have refused, the last one first. The first of them adds this member, so that other requests do not pay for it. */
  refused?: RefusedPart | undefined;
}

interface RefusedPart {
  readonly policy: Policy;
  readonly failure: PolicyFailure;
  readonly next: RefusedPart | undefined;
}

export type PolicyReason = Extract<
  Reason,
  | 'insufficient_scope'
  | 'insufficient_role'
  | 'insufficient_claim'
  | 'policy_refused'
  | 'unlisted_tool'
  | 'malformed_message'
  | 'weak_authentication'
  | 'stale_authentication'
>;

/** Why a policy is not satisfied: the reason, and details for the challenge and the explanation. */
export interface PolicyFailure {
  readonly reason: PolicyReason;
  readonly details: DenialDetails;
  /** Whether a token with the scopes of the challenge needs a new login as well. */
  readonly isAlsoLogin?: boolean;
  /** Whether it is a failure of parts that need different logins, and of nothing else. */
  readonly isContradiction?: boolean;
}

/** Returns the kind of a policy. Kinds that combine other policies are created with it. */
export type KindOf = (policy: Policy) => PolicyKind<Policy>;

const NONE: readonly string[] = Object.freeze([]);

/** For kinds that name no scopes. */
export function noScopes(): readonly string[] {
  return NONE;
}
