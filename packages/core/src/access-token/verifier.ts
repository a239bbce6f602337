import type { Confirmation } from '../binding/confirmation.js';
import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { VerifiedAuth } from './verified-auth.js';

/** A verified token. It may be cached: nothing in it depends on the request or changes over time. */
export interface VerifiedToken {
  /** An own member, so that a polluted prototype does not turn a verified token into a failure. */
  readonly reason: undefined;
  readonly auth: VerifiedAuth;
  readonly issuer: Issuer;
  /** The keys to which the token is bound; undefined for a bearer token. Each request needs a new proof of possession. */
  readonly confirmation: Confirmation | undefined;
}

/** The result of a verifier. */
export type Verification = VerifiedToken | VerificationFailure;

/** Verifies that a token is authentic, valid now and meant for this API. The result is a promise only if something must be fetched. */
export interface TokenVerifier {
  /** @param nowSeconds when the check began. A verifier that had to wait reads its clock again. */
  verify(credentials: Credentials, request: ProtectedRequest, nowSeconds: number): Verification | Promise<Verification>;
}

/** Returns whether verification succeeded. It reads one member, because it runs for every request. */
export function isVerified(verification: Verification): verification is VerifiedToken {
  return verification.reason === undefined;
}
