import type { OptionReader } from '../lib/option-reader.js';
import { readInnerTable, type OptionTable } from '../lib/option-table.js';
import type { ClientCertificate, ProtectedRequest } from '../request/protected-request.js';
import { ofConnection, ofFunction } from './certificate-source.js';
import type { CertificateCheckConfig } from './mtls.js';

/** Where the certificates of clients come from, for tokens that are bound to one (RFC 8705 s3). By default it is the TLS connection of this process. */
export interface ClientCertificateOptions {
  /**
   * Returns the certificate of a request, instead of that of its connection. For a certificate that something else than a TLS connection or a header of a
   * proxy brings. It must return only what the client cannot forge. If it throws or returns undefined, the request has no certificate.
   */
  readonly getCertificate?: ((request: ProtectedRequest) => ClientCertificate | undefined) | undefined;
  /**
   * Also accepts certificates that the TLS server did not authorise: self-signed ones (RFC 8705 s2.2), or those of authorities that it does not know. The
   * token must be bound to exactly this certificate all the same, so only the authorization server decides which certificates count. Default: false.
   */
  readonly unsafeAcceptUnauthorizedCertificates?: boolean | undefined;
}

/** The option, validated and complete. */
export interface ClientCertificateConfig extends CertificateCheckConfig {
  /** Whether the metadata of the API says that it takes certificate-bound tokens (RFC 9728 s2): the option is set. */
  readonly isAnnounced: boolean;
}

/** Reads the option `clientCertificate` of a guard. */
export function readClientCertificate(reader: OptionReader, name: string): ClientCertificateConfig {
  const { getCertificate, unsafeAcceptUnauthorizedCertificates } = readInnerTable(reader, name, CLIENT_CERTIFICATE);
  return {
    isAnnounced: reader.get(name) !== undefined,
    acceptsUnauthorized: unsafeAcceptUnauthorizedCertificates,
    source: getCertificate ? ofFunction(getCertificate) : ofConnection,
  };
}

const CLIENT_CERTIFICATE = {
  getCertificate: (reader: OptionReader, name: string) => reader.fn<NonNullable<ClientCertificateOptions['getCertificate']>>(name),
  unsafeAcceptUnauthorizedCertificates: (reader: OptionReader, name: string) => reader.flag(name),
} satisfies OptionTable<ClientCertificateOptions>;
