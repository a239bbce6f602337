import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../request/protected-request.js';

/**
 * Returns the client certificate of the TLS connection on which a request of Node arrived, over HTTP/1 or HTTP/2; undefined if there is none. It is read each
 * time, since the peers may negotiate another one on the same connection.
 */
export function certificateOf({ socket }: { readonly socket?: unknown }): ClientCertificate | undefined {
  try {
    const { getPeerX509Certificate, authorized } = Object(socket) as Partial<TLSSocket>;
    const certificate = getPeerX509Certificate?.call(socket);
    return certificate && { raw: certificate.raw, authorized: authorized === true };
  } catch {
    // over HTTP/2, the socket of a connection that is gone throws
    return undefined;
  }
}
