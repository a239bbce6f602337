import { misuse } from '../lib/configuration-error.js';
import { notAnOption } from '../lib/option-reader.js';
import { shapeOf } from '../lib/shape-of.js';
import { shownName } from '../lib/shown-option.js';
import { assertPolicy, isPolicy } from './kinds.js';
import type { Policy } from './policy.js';

/** What a route asks for. */
export interface RouteRequirements {
  /** `optional` admits requests without an access token (no credentials, or those of another scheme), never a wrong token. Default: `required`. */
  readonly credentials?: 'required' | 'optional' | undefined;
  readonly policy?: Policy | undefined;
  /**
   * What becomes of a CORS preflight, which carries no credentials, and which anybody can make by hand. `pass` is for a guard behind which something
   * answers preflights and nothing else is done for them. Default: `refuse`.
   */
  readonly preflight?: 'pass' | 'refuse' | undefined;
}

const ACCESS_NAMES: readonly string[] = ['policy', 'credentials', 'preflight'] satisfies (keyof RouteRequirements)[];

/**
 * Says what is wrong with what a guard is asked beside the request: a policy that stands in the wrong place would demand nothing.
 *
 * @throws ConfigurationError
 */
export function assertAccess(access: RouteRequirements): void {
  if (typeof access !== 'object' || access === null) throw misuse('access', `is ${shapeOf(access)}: ${WRITE}`);
  if (access.policy !== undefined) return assertPolicy('access.policy', access.policy);
  if (Array.isArray(access)) throw misuse('access', `is a list itself: ${WRITE}`);
  // beside a policy, what has another name could demand no more than it does; a loop, since this is asked at every request
  for (const name in access) {
    if (name === 'policy' || name === 'credentials' || name === 'preflight' || !Object.hasOwn(access, name)) continue;
    throw isPolicy(access) ? misuse('access', `is a policy itself: ${WRITE}`) : misuse(`access.${shownName(name)}`, notAnOption(name, ACCESS_NAMES));
  }
}

const WRITE = "write { policy: scope('orders:read') }";
