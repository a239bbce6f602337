import type { TLSSocket } from 'node:tls';
import type { ClientCertificate, ProtectedRequest } from '../request/protected-request.js';

interface RawRequest {
  readonly socket?: unknown;
  readonly rawHeaders?: readonly string[] | undefined;
}

/**
 * Returns what a guard needs to know about the connection of Node's request, for tokens that are bound to a client certificate. For requests that your own
 * code builds: those of adapters have it.
 *
 * @example guard.check({ method, target: request.url, headers: request.headersDistinct, ...connectionOf(request) });
 */
export function connectionOf(raw: RawRequest): Pick<ProtectedRequest, 'clientCertificate' | 'peerAddress' | 'rawHeaders'> {
  const { remoteAddress } = Object(raw.socket) as Partial<TLSSocket>;
  return { clientCertificate: () => certificateOf(raw), peerAddress: remoteAddress, rawHeaders: raw.rawHeaders };
}

/**
 * Returns the client certificate of the TLS connection on which a request of Node arrived, over HTTP/1 or HTTP/2; undefined if there is none. It is read each
 * time, since the peers may negotiate another one on the same connection.
 */
export function certificateOf({ socket }: RawRequest): ClientCertificate | undefined {
  try {
    const { getPeerX509Certificate, authorized } = Object(socket) as Partial<TLSSocket>;
    const certificate = getPeerX509Certificate?.call(socket);
    return certificate && { raw: certificate.raw, authorized: authorized === true };
  } catch {
    // over HTTP/2, the socket of a connection that is gone throws
    return undefined;
  }
}
