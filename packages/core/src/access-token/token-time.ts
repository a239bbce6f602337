import type { ClaimRules } from '../issuer/claim-rules.js';
import type { ClaimFault } from './claim-fault.js';

/** What limits the time of an issuer's tokens beside their own dates. */
export type TimeRules = Pick<ClaimRules, 'clockSkewSeconds' | 'maxTokenAgeSeconds'>;

/**
 * Judges a token's time. No other code does: a new token, a cached one and an Auth in use are all judged here. It is written so that a clock which
 * shows no number refuses, and so that a token without `iat` is older than any age.
 */
export function examineTime(exp: number, nbf: number | undefined, iat: number | undefined, rules: TimeRules, nowSeconds: number): ClaimFault | undefined {
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

/** The difference of two clocks, in a form that explanations find again. */
function seconds(difference: number): string {
  return `${Math.max(1, Math.floor(difference))} s`;
}

/** Until when a token counts, in seconds since the epoch: the moment from which {@link examineTime} refuses it. */
export function acceptedUntil(exp: number, iat: number | undefined, { clockSkewSeconds, maxTokenAgeSeconds }: TimeRules): number {
  return Math.min(exp, maxTokenAgeSeconds === undefined ? Infinity : (iat ?? -Infinity) + maxTokenAgeSeconds) + clockSkewSeconds;
}
