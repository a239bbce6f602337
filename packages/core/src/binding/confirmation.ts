import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';

/** Whether a request could satisfy a token's `cnf`: a token that no proof makes acceptable is refused for good, so it is neither cached nor told of. */
export function isProvable(confirmation: unknown): boolean {
  return confirmation === undefined;
}

/**
 * Says whether a request may use a token that was verified: for a sender-constrained one the request needs a proof of possession (RFC 7800 s3,
 * RFC 8705 s3, RFC 9449 s7). It is asked for each request, also where the token is cached.
 *
 * No kind of proof is supported yet, and a token without its proof is refused like one with a wrong proof. So each token with a `cnf` is refused.
 *
 * @param confirmation the token's `cnf`
 */
export function checkBinding(confirmation: unknown, issuer: Issuer): VerificationFailure | undefined {
  if (isProvable(confirmation)) return undefined;
  return { reason: 'unproven_confirmation', cause: 'cnf', expected: 'a token without cnf', found: confirmation, issuer };
}
