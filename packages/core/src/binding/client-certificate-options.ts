import { types } from 'node:util';
import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, readTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import type { ClientCertificate, ProtectedRequest } from '../request/protected-request.js';
import { headerReader, type CertificateHeaderFormat } from './certificate-headers.js';
import { ofConnection, ofFunction, type CertificateDigest, type CertificateSource } from './certificate-source.js';
import { ofHeader } from './header-certificate.js';
import type { CertificateCheckConfig } from './mtls.js';
import { readTrustedProxies } from './trusted-proxies.js';

/** Where the certificates of clients come from, for tokens that are bound to one (RFC 8705 s3). By default it is the TLS connection of this process. */
export interface ClientCertificateOptions {
  /**
   * The header in which a proxy passes on the certificate, instead of the connection's: `client-cert` (RFC 9440), Envoy's `x-forwarded-client-cert`, or a name
   * and a format. It counts only from `trustedProxies`, which must overwrite or remove what clients send under this name, and verify certificates.
   *
   * @example header: { name: 'ssl-client-cert', format: 'escaped-pem' }
   */
  readonly header?: 'client-cert' | 'x-forwarded-client-cert' | NamedCertificateHeader | undefined;
  /**
   * The addresses and networks of the proxies, as this process sees them: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. They are compared with the address of the
   * connection, never with a header. Needed with `header`.
   */
  readonly trustedProxies?: readonly string[] | undefined;
  /**
   * For Envoy's header: how many elements it must have, one for each proxy that appends one. The first counts. If clients or proxies add others, no certificate
   * counts. Default: 1.
   */
  readonly xfccElements?: number | undefined;
  /**
   * Returns the certificate of a request, in DER, or only its SHA-256. Set it if the certificate comes neither from the TLS connection nor from a proxy's header.
   * It must return only what the client cannot forge. If it throws or returns undefined, there is none.
   */
  readonly getCertificate?: ((request: ProtectedRequest) => ClientCertificate | CertificateDigest | undefined) | undefined;
  /**
   * Also accepts certificates that the TLS server did not authorise: self-signed ones (RFC 8705 s2.2), or those of authorities that it does not know. The
   * token must be bound to exactly this certificate all the same, so only the authorization server decides which certificates count. Default: false.
   */
  readonly unsafeAcceptUnauthorizedCertificates?: boolean | undefined;
}

export interface NamedCertificateHeader {
  readonly name: string;
  readonly format: CertificateHeaderFormat;
}

/** The option, validated and complete. */
export interface ClientCertificateConfig extends CertificateCheckConfig {
  /** Whether the metadata of the API says that it takes certificate-bound tokens (RFC 9728 s2): the option is set, or `senderConstraint` demands them. */
  readonly isAnnounced: boolean;
}

/** Reads the option `clientCertificate` of a guard. The result completes it with the guard's name in events, and whether tokens must be bound. */
export function readClientCertificate(reader: OptionReader, name: string): (guard: string, isDemanded: boolean) => ClientCertificateConfig {
  const inner = reader.inner(name, Object.keys(CLIENT_CERTIFICATE));
  const { header, trustedProxies, xfccElements, getCertificate, unsafeAcceptUnauthorizedCertificates } = readTable(inner, CLIENT_CERTIFICATE);
  checkTogether(inner, header);
  const runtime = runtimeWithoutCertificates();
  const isAsked = reader.get(name) !== undefined || reader.get('senderConstraint') === 'mtls';
  if (runtime !== undefined && isAsked && inner.get('header') === undefined && inner.get('getCertificate') === undefined) {
    const remedy = 'Set header if a proxy verifies certificates. If the app tells the guard the certificate, set getCertificate: ';
    reader.wrong(
      name,
      `needs getCertificate or header on ${runtime}: no connection there tells the certificate of its client. ${remedy}(request) => request.clientCertificate?.()`,
    );
  }

  function sourceFor(guard: string): CertificateSource {
    if (getCertificate) return ofFunction(getCertificate);
    if (!header || !trustedProxies) return ofConnection;
    return ofHeader({ name: header.name, read: headerReader(header.format, xfccElements), trustsAddress: trustedProxies }, guard);
  }

  return (guard, isDemanded) => ({
    isAnnounced: isDemanded || reader.get(name) !== undefined,
    acceptsUnauthorized: unsafeAcceptUnauthorizedCertificates,
    authority: getCertificate ? 'function' : 'server',
    source: sourceFor(guard),
  });
}

/** Returns the name of this runtime if none of its servers passes on the certificates of clients. */
function runtimeWithoutCertificates(): string | undefined {
  if (process.versions['bun'] !== undefined) return 'Bun';
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers' ? 'Workers' : undefined;
}

const CLIENT_CERTIFICATE = {
  header: readHeader,
  trustedProxies: readTrustedProxies,
  xfccElements: numberOption(1, { least: 1, most: 8, whole: true }),
  getCertificate: readGetCertificate,
  unsafeAcceptUnauthorizedCertificates: (reader: OptionReader, name: string) => reader.flag(name),
} satisfies OptionTable<ClientCertificateOptions>;

function readGetCertificate(reader: OptionReader, name: string): ClientCertificateOptions['getCertificate'] {
  const given = reader.fn<NonNullable<ClientCertificateOptions['getCertificate']>>(name);
  if (types.isAsyncFunction(given)) reader.wrong(name, 'must not be an async function: the guard does not wait for it. Return the certificate at once');
  return given;
}

const STANDARD: Readonly<Record<string, CertificateHeaderFormat>> = { 'client-cert': 'byte-sequence', 'x-forwarded-client-cert': 'xfcc' };
const FORMATS: readonly string[] = ['byte-sequence', 'escaped-pem', 'xfcc'] satisfies CertificateHeaderFormat[];

function readHeader(reader: OptionReader, name: string): NamedCertificateHeader | undefined {
  const value = reader.get(name);
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return readInnerTable(reader, name, NAMED_HEADER) as NamedCertificateHeader;
  if (typeof value === 'string' && Object.hasOwn(STANDARD, value)) return { name: value, format: STANDARD[value]! };
  reader.wrong(name, `must be "client-cert", "x-forwarded-client-cert", or { name, format } (got ${shown(value, 'name')})`);
  return undefined;
}

const NAMED_HEADER = {
  /** No underscores: proxies drop such names, or take them for others. */
  name(reader: OptionReader, name: string): string {
    const value = reader.get(name);
    if (typeof value === 'string' && /^[a-z\d]+(?:-[a-z\d]+)*$/i.test(value)) return value.toLowerCase();
    reader.wrong(name, `must be the name of a header, of letters, digits and hyphens (got ${shown(value, 'name')})`);
    return '';
  },
  format(reader: OptionReader, name: string): CertificateHeaderFormat {
    const value = reader.get(name);
    if (FORMATS.includes(value as string)) return value as CertificateHeaderFormat;
    reader.wrong(name, `must be ${FORMATS.map((format) => `"${format}"`).join(', ')} (got ${shown(value, 'name')})`);
    return 'byte-sequence';
  },
} satisfies OptionTable<NamedCertificateHeader>;

/** Only one source may be set, so that a certificate from another one never counts. */
function checkTogether(reader: OptionReader, header: NamedCertificateHeader | undefined): void {
  const isGiven = (name: keyof ClientCertificateOptions): boolean => reader.get(name) !== undefined;
  if (isGiven('header') && isGiven('getCertificate')) reader.wrong('getCertificate', 'cannot be combined with header. Remove one of the two');
  if (isGiven('header') && !isGiven('trustedProxies'))
    reader.wrong('trustedProxies', 'is missing. List the addresses from which your proxies connect: from others, anybody could send the header');
  if (!isGiven('header') && isGiven('trustedProxies')) reader.wrong('trustedProxies', 'has no effect without header. Name the header that the proxies send');
  if (isGiven('xfccElements') && header?.format !== 'xfcc') reader.wrong('xfccElements', 'has an effect only with the header "x-forwarded-client-cert"');
  if (isGiven('header') && reader.get('unsafeAcceptUnauthorizedCertificates') === true)
    reader.wrong('unsafeAcceptUnauthorizedCertificates', 'has no effect with header: the proxy decides which certificates it passes on. Configure the proxy');
}
