import type { ClaimRules } from '../issuer/claim-rules.js';
import type { ClaimFailure } from './claim-failure.js';

/** The rules of an issuer that shorten or extend the time of its tokens. */
export type TimeRules = Pick<ClaimRules, 'clockSkewSeconds' | 'maxTokenAgeSeconds'>;

/**
 * Checks `exp`, `nbf` and `iat` against the clock, all in seconds since the epoch. No other code does: new tokens, cached tokens and an Auth in use are all
 * checked here. Each comparison is written so that NaN fails, and so that a token without `iat` exceeds every maximum age.
 */
export function examineTime(exp: number, nbf: number | undefined, iat: number | undefined, rules: TimeRules, nowSeconds: number): ClaimFailure | undefined {
  const skew = rules.clockSkewSeconds;
  if (!(nowSeconds < exp + skew)) return { reason: 'expired', cause: `exp, ${seconds(nowSeconds - exp)} ago`, expected: nowSeconds - skew, found: exp };
  if (nbf !== undefined && !(nowSeconds >= nbf - skew))
    return { reason: 'not_yet_valid', cause: `nbf, in ${seconds(nbf - nowSeconds)}`, expected: nowSeconds + skew, found: nbf };
  if (iat !== undefined && !(iat <= nowSeconds + skew))
    return { reason: 'issued_in_the_future', cause: `iat, in ${seconds(iat - nowSeconds)}`, expected: nowSeconds + skew, found: iat };
  const maxAge = rules.maxTokenAgeSeconds;
  if (maxAge !== undefined && !(nowSeconds - iat! <= maxAge + skew))
    return { reason: 'too_old', cause: iat === undefined ? 'iat' : `iat, ${seconds(nowSeconds - iat)} ago`, expected: nowSeconds - maxAge - skew, found: iat };
  return undefined;
}

/** Returns a difference in a form that explain/texts.ts finds in the cause. */
function seconds(difference: number): string {
  return `${Math.max(1, Math.floor(difference))} s`;
}

/** Returns the first moment at which {@link examineTime} fails for a token, in seconds since the epoch. */
export function acceptedUntil(exp: number, iat: number | undefined, { clockSkewSeconds, maxTokenAgeSeconds }: TimeRules): number {
  return Math.min(exp, maxTokenAgeSeconds === undefined ? Infinity : (iat ?? -Infinity) + maxTokenAgeSeconds) + clockSkewSeconds;
}
