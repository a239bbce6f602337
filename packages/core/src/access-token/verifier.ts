import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { VerifiedAuth } from './verified-auth.js';

/** What an authentic token says. It may be cached: nothing in it depends on the request, or may change since. */
export interface VerifiedToken {
  /** A member of its own, so that a polluted prototype makes no failure of a token. */
  readonly reason: undefined;
  readonly auth: VerifiedAuth;
  readonly issuer: Issuer;
  /** `cnf`: whom the token is bound to. The request must prove that it comes from there, and proves so anew each time. */
  readonly confirmation: unknown;
}

/** The outcome of a verifier, which is a promise only where something must be fetched. */
export type Verification = VerifiedToken | VerificationFailure;

/** Finds out whether a token is authentic, valid now, and meant for this API. */
export interface TokenVerifier {
  /** @param nowSeconds when the check began. A verifier that had to wait reads its clock again. */
  verify(credentials: Credentials, request: ProtectedRequest, nowSeconds: number): Verification | Promise<Verification>;
}

export function isVerified(verification: Verification): verification is VerifiedToken {
  return verification.reason === undefined;
}
