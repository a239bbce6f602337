import { connect, type DetailedPeerCertificate } from 'node:tls';
import { isIP } from 'node:net';
import { UNKNOWN_AUTHORITY } from '@tokenward/core/diagnosis';
import { printable } from '@tokenward/core/store';
import { hostnameOf } from '../lib/loopback.js';
import { fail, ok, skip, warn, type Check } from './check.js';

const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

interface Surroundings {
  readonly timeoutMs: number;
  readonly nowMs: number;
  /** The authorities to trust, in PEM. undefined: those of Node. */
  readonly ca: string | undefined;
}

/** Shakes hands with the server, sends nothing, and says whether a guard would trust its certificate. */
export async function checkTls(url: string, { timeoutMs, nowMs, ca }: Surroundings): Promise<Check> {
  const address = new URL(url);
  const { protocol, hostname, port } = address;
  if (protocol !== 'https:') return skip('tls', 'the address is plain http');
  const shaken = await shakeHands(hostnameOf(address), Number(port || 443), timeoutMs, ca);
  if ('failure' in shaken)
    return fail(
      'tls',
      `no TLS connection to ${hostname} (${shaken.failure})`,
      'Check that the address is right, and that firewalls and proxies let the connection pass.',
    );
  const { certificate, error, version } = shaken;
  const authority = printable(String(certificate.issuer?.O ?? certificate.issuer?.CN ?? 'unknown'), 60);
  const endsAt = Date.parse(certificate.valid_to ?? '');
  const until = Number.isNaN(endsAt) ? '' : `, until ${new Date(endsAt).toISOString().slice(0, 10)}`;
  const shown = `the certificate of "${authority}"${until}`;
  if (error === 'CERT_HAS_EXPIRED' || endsAt < nowMs)
    return fail('tls', `${shown} has expired`, 'Renew the certificate of the issuer. If it is new, check the clock of this machine.');
  if (error === 'CERT_NOT_YET_VALID') return fail('tls', `${shown} is not valid yet`, 'Check the clock of this machine.');
  if (error === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return fail(
      'tls',
      `${shown} is for other names than ${hostname}: ${printable(certificate.subjectaltname ?? 'none', 120)}`,
      'Use a name of the certificate in issuer or metadataUrl, or add the name to the certificate.',
    );
  }
  if (error !== undefined && UNKNOWN_AUTHORITY.has(error)) {
    return fail(
      'tls',
      `${shown}: ${ca === undefined ? 'Node does not know the authority' : 'its authority is not in keyFetching.caFile or ca'} (${error})`,
      ca === undefined
        ? 'If it is your own authority, start the app with NODE_EXTRA_CA_CERTS=/path/to/authority.pem. If it is a public one, have the server send its intermediate certificates.'
        : 'Add the certificate of the authority there, in PEM.',
    );
  }
  if (error !== undefined) return fail('tls', `${shown} is not trusted (${error})`, 'Check the certificate of the issuer.');
  if (endsAt - nowMs < SOON_DAYS * DAY_MS)
    return warn(
      'tls',
      `${shown}: ${Math.floor((endsAt - nowMs) / DAY_MS)} days left`,
      'Renew the certificate of the issuer. When it ends, keys cannot be fetched.',
    );
  return ok('tls', `${version}, ${shown}`);
}

type Handshake =
  | { readonly certificate: Partial<DetailedPeerCertificate>; readonly error: string | undefined; readonly version: string }
  | { readonly failure: string };

/** Accepts any certificate, to say what is wrong with it. Nothing is sent or read, so nothing is trusted. */
function shakeHands(host: string, port: number, timeoutMs: number, ca: string | undefined): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ...(ca !== undefined && { ca }), ...(isIP(host) === 0 && { servername: host }) });
    const end = (result: Handshake): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end({ failure: `no answer within ${timeoutMs / 1000} s` }), timeoutMs);
    socket.once('secureConnect', () => {
      const error = socket.authorizationError as (Error & { code?: string }) | string | null | undefined;
      const code = typeof error === 'string' ? error : error?.code;
      end({ certificate: socket.getPeerCertificate(true), error: socket.authorized ? undefined : (code ?? 'unknown'), version: socket.getProtocol() ?? 'TLS' });
    });
    socket.once('error', (error: NodeJS.ErrnoException) => end({ failure: /^[A-Z][A-Z0-9_]{2,60}$/.test(error.code ?? '') ? error.code! : 'error' }));
  });
}
