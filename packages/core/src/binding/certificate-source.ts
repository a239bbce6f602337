import { createHash } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import { isThenable } from '../lib/thenable.js';
import type { ClientCertificate, ProtectedRequest } from '../request/protected-request.js';

/** The client certificate that counts for a request; or why none does, in fixed words. */
export type FoundCertificate =
  | { readonly thumbprint: string; readonly authorized: boolean; readonly missing?: undefined }
  | { readonly thumbprint?: undefined; readonly missing: string };

/** Finds the client certificate of a request in the one place where it counts. */
export type CertificateSource = (request: ProtectedRequest) => FoundCertificate;

/** The longest certificate that is read, in bytes of DER. Real ones have 300 to 4000. */
export const MAX_CERTIFICATE_BYTES = 16_384;

/** The certificate of a client, of which only the digest is known. */
export interface CertificateDigest {
  /** SHA-256 over the certificate in DER, in hexadecimal, with or without colons between the bytes. */
  readonly sha256: string;
  /** Whether somebody verified that a trusted authority issued the certificate. */
  readonly authorized: boolean;
}

/** Finds the certificate of the TLS connection itself. */
export const ofConnection: CertificateSource = (request) => {
  const certificate = request.clientCertificate?.();
  return certificate === undefined ? NO_CERTIFICATE : read(certificate, 'what clientCertificate() of the request returned is not a certificate in DER');
};

/** Returns a source that calls a function of the user's. If it throws or returns anything else than a certificate, there is none. */
export function ofFunction(getCertificate: (request: ProtectedRequest) => ClientCertificate | CertificateDigest | undefined): CertificateSource {
  return (request) => {
    try {
      const certificate = getCertificate(request);
      if (certificate === undefined) return { missing: 'getCertificate returned none' };
      return readDigest(certificate) ?? read(certificate, 'what getCertificate returned is neither { raw, authorized } nor { sha256, authorized }');
    } catch {
      return { missing: 'getCertificate threw an error' };
    }
  };
}

/** Returns the thumbprint of a certificate in DER, as it is in `x5t#S256` (RFC 8705 s3.1). */
export function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

/** Returns the thumbprint of SHA-256 in hexadecimal. */
export function thumbprintOfHex(hash: string): string | undefined {
  return /^[\da-f]{64}$/i.test(hash) ? Buffer.from(hash, 'hex').toString('base64url') : undefined;
}

/** Returns undefined if there is the certificate itself, which then counts. */
function readDigest(certificate: unknown): FoundCertificate | undefined {
  const { raw, sha256, authorized } = Object(certificate) as Partial<ClientCertificate & CertificateDigest>;
  if (raw !== undefined || typeof sha256 !== 'string') return undefined;
  const thumbprint = thumbprintOfHex(WITH_COLONS.test(sha256) ? sha256.replaceAll(':', '') : sha256);
  return thumbprint === undefined ? undefined : { thumbprint, authorized: authorized === true };
}

const WITH_COLONS = /^(?:[\da-f]{2}:){31}[\da-f]{2}$/i;

function read(certificate: unknown, otherwise: string): FoundCertificate {
  // nobody waits for it, and if it rejects it must not end the process
  if (isThenable(certificate)) Promise.resolve(certificate).catch(() => {});
  const { raw, authorized } = Object(certificate) as Partial<ClientCertificate>;
  if (!isUint8Array(raw) || raw.length === 0 || raw.length > MAX_CERTIFICATE_BYTES) return { missing: otherwise };
  return { thumbprint: thumbprintOf(raw), authorized: authorized === true };
}

const NO_CERTIFICATE: FoundCertificate = Object.freeze({ missing: 'the connection has none' });
