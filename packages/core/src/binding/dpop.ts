import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/**
 * Returns why a request does not prove possession of the key to which its token is bound (RFC 9449 s7); undefined if it does.
 *
 * @param jkt `jkt` of the token's `cnf`
 */
export type ProofCheck = (
  jkt: string,
  credentials: Credentials,
  request: ProtectedRequest,
  nowSeconds: number,
) => VerificationFailure | undefined | Promise<VerificationFailure | undefined>;

/** Refuses every token that is bound to a key, because proofs are not read yet. */
export const refuseProofs: ProofCheck = () => ({ reason: 'unproven_confirmation', cause: 'cnf' });
