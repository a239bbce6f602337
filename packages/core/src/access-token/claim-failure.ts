import type { VerificationFailure } from '../issuer/verification-failure.js';

/** Why the claims of a token are not accepted. It names the claim and never its value, which may be anybody's text. */
export interface ClaimFailure extends VerificationFailure {
  readonly cause: string;
}
