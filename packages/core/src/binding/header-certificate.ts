import { publish } from '../events/events.js';
import { placeOf } from '../explain/place.js';
import { fieldOf } from '../request/fields.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { IgnoredCertificate } from '../vocabulary/certificate-words.js';
import type { CertificateHeaderReader } from './certificate-headers.js';
import type { CertificateSource, FoundCertificate } from './certificate-source.js';
import type { TrustsAddress } from './trusted-proxies.js';

/** The header of trusted proxies that contains the certificates of their clients. */
export interface CertificateHeader {
  /** In lower case. */
  readonly name: string;
  readonly read: CertificateHeaderReader;
  readonly trustsAddress: TrustsAddress;
}

/**
 * Returns a source that reads the header. The certificate of the connection never counts: it is that of the proxy. A header that does not count is reported,
 * because somebody may try to pass as another client (RFC 9440 s4). Only requests with a valid token that is bound to a certificate get here.
 *
 * @param guard its name in events
 */
export function ofHeader({ name, read, trustsAddress }: CertificateHeader, guard: string): CertificateSource {
  function ignore(cause: IgnoredCertificate, request: ProtectedRequest): void {
    publish('tokenward:certificate-ignored', { guard, cause, ...placeOf(request), clientId: undefined });
  }

  function missing(cause: IgnoredCertificate, request: ProtectedRequest): FoundCertificate {
    ignore(cause, request);
    return { missing: `the header ${name} ${IGNORED[cause]}` };
  }

  return (request) => {
    if (Object.keys(request.headers).some((other) => isOtherSpelling(other, name))) ignore('other_spelling', request);
    const value = valueOf(request, name);
    if (value === undefined) return { missing: `there is no header ${name}` };
    if (!trustsAddress(request.peerAddress)) return missing('untrusted_peer', request);
    if (typeof value !== 'string') return missing('duplicate', request);
    const thumbprint = read(value);
    return thumbprint === undefined ? missing('malformed', request) : { thumbprint, authorized: true };
  };
}

const IGNORED: Readonly<Record<IgnoredCertificate, string>> = {
  untrusted_peer: 'came from an address that is not in trustedProxies',
  duplicate: 'is duplicated',
  malformed: 'does not have the form that it should have',
  other_spelling: 'is spelled with underscores',
};

/** Some servers read underscores as hyphens. So a client may send such a name past a proxy that removes the header. */
function isOtherSpelling(other: string, name: string): boolean {
  return other.includes('_') && other.toLowerCase().replaceAll('_', '-') === name;
}

/**
 * Returns the value of a header, or a list if it has several lines. Node joins the lines of a header that it does not know, and has lists of one line in
 * `headersDistinct`.
 */
function valueOf(request: ProtectedRequest, name: string): string | readonly string[] | undefined {
  // own members only: a polluted prototype must not add a certificate
  if (!Object.keys(request.headers).some((own) => own.toLowerCase() === name)) return undefined;
  const lines = request.rawHeaders?.filter((_value, index, all) => index % 2 === 1 && all[index - 1]!.toLowerCase() === name);
  const value = lines && lines.length > 1 ? lines : fieldOf(request, name);
  return Array.isArray(value) && value.length === 1 ? (value[0] as string) : value;
}
