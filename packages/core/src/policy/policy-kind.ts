import type { Auth } from '../auth/auth.js';
import type { DenialDetails } from '../decision/denial.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { Reason } from '../vocabulary/reason.js';
import type { Policy } from './policy.js';

/**
 * Everything that the guard must know of one kind of policy. Each kind is one such object in a file of its own under `kinds/`, next to the function
 * that makes its policies. Nothing else switches on `policy.kind`.
 */
export interface PolicyKind<P extends Policy> {
  /** Returns the policy as the call that makes it. Operators see this text, clients never do. */
  describe(policy: P): string;
  /** Returns undefined where the policy is satisfied, and allocates nothing then. */
  evaluate(policy: P, context: PolicyContext): PolicyFailure | undefined;
  /**
   * Whether the policy's opposite may admit wherever the policy fails. Without `auth`: whether `not` takes the policy at all. With it: whether this
   * token says enough to tell. What is absent, or null, is no doubt: it says nothing, so the policy does not hold.
   */
  negatable(policy: P, auth?: Auth): boolean;
  /** The scopes that the policy speaks of. */
  scopes(policy: P, which: ScopeQuestion): readonly string[];
  /** The login that the policy demands (RFC 9470); undefined where it demands none. */
  login(policy: P): DemandedLogin | undefined;
}

/**
 * - `sufficient`: those that a client should ask for, when nothing else is known of it: of alternatives, the first.
 * - `necessary`: those that no token does without: of alternatives, none.
 * - `mentioned`: all of them.
 */
export type ScopeQuestion = 'sufficient' | 'necessary' | 'mentioned';

/** What a challenge can ask of a new login. */
export type DemandedLogin = Pick<DenialDetails, 'acrValues' | 'maxAgeSeconds'>;

/** What a policy is evaluated against. */
export interface PolicyContext {
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

/** Why a policy is not satisfied: the reason, and what the challenge can name. */
export interface PolicyFailure {
  readonly reason: PolicyReason;
  readonly details: DenialDetails;
}

/** Finds the kind of a policy: given to the kinds that are made of other policies. */
export type KindOf = (policy: Policy) => PolicyKind<Policy>;

const NONE: readonly string[] = Object.freeze([]);

/** For kinds that speak of no scopes. */
export function noScopes(): readonly string[] {
  return NONE;
}

/** For kinds that demand no login. */
export function noLogin(): undefined {
  return undefined;
}
