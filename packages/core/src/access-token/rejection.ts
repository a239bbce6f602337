import type { Auth } from '../auth.js';
import type { Issuer } from '../issuer/issuer.js';
import type { Reason } from '../vocabulary/reason.js';

/** Why a token did not become an {@link Auth}. */
export interface Rejection {
  readonly reason: Reason;
  readonly cause?: unknown;
  /** What would have passed, and what came instead: see `Explained`. */
  readonly expected?: unknown;
  readonly found?: unknown;
  readonly retryAfterSeconds?: number;
  /** Whose token it claims to be, where that is one of ours. */
  readonly issuer?: Issuer;
}

export type Verdict = Auth | Rejection;

/** By a member of its own: a polluted prototype would make a rejection of everybody. */
export function isRejection(verdict: Verdict): verdict is Rejection {
  return Object.hasOwn(verdict, 'reason');
}
