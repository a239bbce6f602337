import type { Explained } from '../explain/explanation.js';
import type { Reason } from '../vocabulary/reason.js';
import type { Issuer } from './issuer.js';

/** Why verification did not succeed. */
export interface VerificationFailure extends Explained {
  readonly reason: Reason;
  readonly retryAfterSeconds?: number;
  /** Whose token it claims to be, where that is one of ours. */
  readonly issuer?: Issuer;
}

/** By a member of its own: a polluted prototype would make a failure of everything. */
export function isFailure(result: object): result is VerificationFailure {
  return Object.hasOwn(result, 'reason');
}
