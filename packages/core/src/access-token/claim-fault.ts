import type { Reason } from '../vocabulary/reason.js';

/** What was wrong, and about which claim; no claim's value, which may be anybody's text. */
export interface ClaimFault {
  readonly reason: Reason;
  readonly cause: string;
  /** What would have passed, and what came instead: see `DenialDetails`. */
  readonly expected?: unknown;
  readonly found?: unknown;
}

/** By a member of its own: a polluted prototype would find a fault with everybody. */
export function isFault(examined: object): examined is ClaimFault {
  return Object.hasOwn(examined, 'reason');
}
