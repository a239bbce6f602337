import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';

/** Returns whether a proof of possession can satisfy a token's `cnf`. If none can, every request with the token is refused, so it is neither cached nor monitored. */
export function isProvable(confirmation: unknown): boolean {
  return confirmation === undefined;
}

/**
 * Returns why a request may not use a verified token; undefined if it may. A request with a sender-constrained token needs a proof of possession (RFC 7800
 * s3, RFC 8705 s3, RFC 9449 s7). This is checked for each request, also if the token is cached.
 *
 * No kind of proof is supported yet. A sender-constrained token without a proof is refused like one with a wrong proof, so every token with a `cnf` is
 * refused.
 *
 * @param confirmation the token's `cnf`
 */
export function checkBinding(confirmation: unknown, issuer: Issuer): VerificationFailure | undefined {
  if (isProvable(confirmation)) return undefined;
  return { reason: 'unproven_confirmation', cause: 'cnf', expected: 'a token without cnf', found: confirmation, issuer };
}
