import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/**
 * Returns why a request does not prove possession of the certificate to which its token is bound (RFC 8705 s3); undefined if it does.
 *
 * @param thumbprint `x5t#S256` of the token's `cnf`
 */
export type CertificateCheck = (thumbprint: string, request: ProtectedRequest) => VerificationFailure | undefined | Promise<VerificationFailure | undefined>;

/** Refuses every token that is bound to a certificate, because client certificates are not read yet. */
export const refuseCertificates: CertificateCheck = () => ({ reason: 'unproven_confirmation', cause: 'cnf' });
