import { misuse } from '../lib/configuration-error.js';
import { notAnOption } from '../lib/option-reader.js';
import { shapeOf } from '../lib/shape-of.js';
import { shownName } from '../lib/shown-option.js';
import { assertPolicy, isPolicy } from './kinds.js';
import type { Policy } from './policy.js';

/** What a route requires of a request. */
export interface RouteRequirements {
  /** `optional` admits requests without an access token: without credentials, or with another scheme. It never admits an invalid token. Default: `required`. */
  readonly credentials?: 'required' | 'optional' | undefined;
  readonly policy?: Policy | undefined;
  /**
   * What happens to a CORS preflight. It carries no credentials, and any client can send one. Use `pass` only if something behind the guard answers preflights,
   * and nothing else runs for them. Default: `refuse`.
   */
  readonly preflight?: 'pass' | 'refuse' | undefined;
}

const REQUIREMENT_NAMES: readonly string[] = ['policy', 'credentials', 'preflight'] satisfies (keyof RouteRequirements)[];

/** @throws ConfigurationError if route requirements are invalid: a policy in the wrong place would require nothing */
export function assertRequirements(requirements: RouteRequirements): void {
  if (typeof requirements !== 'object' || requirements === null) throw misuse('requirements', `is ${shapeOf(requirements)}: ${WRITE}`);
  if (requirements.policy !== undefined) return assertPolicy('requirements.policy', requirements.policy);
  if (Array.isArray(requirements)) throw misuse('requirements', `is a list: ${WRITE}`);
  // only without a policy: next to one, an unknown member cannot weaken anything. A loop, because this runs for every request
  for (const name in requirements) {
    if (name === 'policy' || name === 'credentials' || name === 'preflight' || !Object.hasOwn(requirements, name)) continue;
    throw isPolicy(requirements)
      ? misuse('requirements', `is a policy: ${WRITE}`)
      : misuse(`requirements.${shownName(name)}`, notAnOption(name, REQUIREMENT_NAMES));
  }
}

const WRITE = "write { policy: scope('orders:read') }";
