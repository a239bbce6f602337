import { UNAUTHORIZED } from '../vocabulary/binding-words.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import { areEqualTexts } from '../lib/equal-texts.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { CertificateSource } from './certificate-source.js';

/**
 * Returns why a request does not prove possession of the certificate to which its token is bound (RFC 8705 s3); undefined if it does.
 *
 * @param thumbprint `x5t#S256` of the token's `cnf`
 */
export type CertificateCheck = (thumbprint: string, request: ProtectedRequest) => VerificationFailure | undefined | Promise<VerificationFailure | undefined>;

export interface CertificateCheckConfig {
  readonly source: CertificateSource;
  /** Whether a certificate that nobody authorised counts. */
  readonly acceptsUnauthorized: boolean;
  /** Who authorises certificates. */
  readonly authority: keyof typeof UNAUTHORIZED;
}

/** Returns a check of client certificates. The TLS handshake proved that the client has the private key, so comparing the certificate is enough. */
export function createCertificateCheck({ source, acceptsUnauthorized, authority }: CertificateCheckConfig): CertificateCheck {
  const notAuthorized: VerificationFailure = Object.freeze({ reason: 'wrong_certificate', cause: UNAUTHORIZED[authority] });
  return (thumbprint, request) => {
    const found = source(request);
    if (found.thumbprint === undefined) return { reason: 'missing_certificate', cause: found.missing };
    if (!areEqualTexts(found.thumbprint, thumbprint)) return OTHER_CERTIFICATE;
    return found.authorized || acceptsUnauthorized ? undefined : notAuthorized;
  };
}

const OTHER_CERTIFICATE: VerificationFailure = Object.freeze({ reason: 'wrong_certificate' });
