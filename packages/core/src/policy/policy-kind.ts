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
  /** Returns why the policy is not satisfied; undefined if it is, and then it allocates nothing. */
  evaluate(policy: P, context: PolicyContext): PolicyFailure | undefined;
  /**
   * Returns whether `not(policy)` may admit if the policy fails. Without a context: whether `not` accepts the policy at all. With one: whether its token
   * is clear enough to decide. A claim that is absent or null is clear: the policy does not hold.
   */
  negatable(policy: P, context?: PolicyContext): boolean;
  /** Returns the selected scopes of the policy. */
  scopes(policy: P, which: ScopeSelection): readonly string[];
  /**
   * Returns the logins (RFC 9470) of which each satisfies the policy, if nothing else about the token changes. None: no login does. Kinds without this method
   * require no login.
   */
  logins?(policy: P, context: PolicyContext): readonly RequiredLogin[];
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

/** What a policy is evaluated against. */
export interface PolicyContext {
  readonly auth: Auth;
  readonly request: ProtectedRequest | undefined;
  /** Seconds since the epoch. */
  readonly nowSeconds: number;
  readonly clockSkewSeconds: number;
  /** The guard's option `scopes`. */
  readonly scopeHierarchy?: ScopeHierarchy | undefined;
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
}

/** Returns the kind of a policy. Kinds that combine other policies are created with it. */
export type KindOf = (policy: Policy) => PolicyKind<Policy>;

const NONE: readonly string[] = Object.freeze([]);

/** For kinds that name no scopes. */
export function noScopes(): readonly string[] {
  return NONE;
}
