import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { ClientCertificate, ProtectedRequest } from '@tokenward/core';
import { createMemory, misuse, viewOf } from '@tokenward/core/adapter';
import { assertInput, requestOf, type FetchInput } from './input.js';

/** What a server knows about the connection on which a request arrived. */
export interface Connection {
  /** The IP address at the other end: that of the client, or of a proxy in front of this process. Never take it from a header. */
  readonly peerAddress?: string | undefined;
  /** Returns the client certificate of the TLS connection. Called only for tokens that are bound to a certificate. */
  readonly clientCertificate?: (() => ClientCertificate | undefined) | undefined;
}

/** A request of Node's servers. */
type NodeRequest = IncomingMessage | Http2ServerRequest;

/** What the view of a request reads from its connection. */
export type ConnectionView = Pick<ProtectedRequest, 'clientAddress' | 'clientCertificate' | 'hasBody' | 'heldBy' | 'peerAddress' | 'rawHeaders'>;

const connections = createMemory<Request, ConnectionView>();

/**
 * Tells guards about the connection of a `Request`, which says nothing about it. Call it in the function that your server calls, before any guard. The guard then
 * finds the client certificate, and knows from which address a certificate in a header came.
 *
 * @param connection the request of `node:http` that the `Request` was made from, or what another runtime knows
 * @throws ConfigurationError without a request, or if the connection is neither
 *
 * @example serve({ fetch: (request, { incoming }) => { setConnection(request, incoming); return handler(request); } });
 * @example Deno.serve((request, { remoteAddr }) => { setConnection(request, { peerAddress: remoteAddr.hostname }); return handler(request); });
 */
export function setConnection(request: FetchInput, connection: NodeRequest | Connection): void {
  assertInput(request, 'setConnection(request, connection)');
  connections.set(requestOf(request) as Request, isNodeRequest(connection) ? viewOf({}, connection) : viewOfConnection(connection));
}

export function connectionOf(request: Request): ConnectionView | undefined {
  return connections.get(request);
}

function isNodeRequest(value: unknown): value is NodeRequest {
  const { rawHeaders, socket } = Object(value) as Partial<IncomingMessage>;
  return Array.isArray(rawHeaders) && typeof socket === 'object';
}

function viewOfConnection(connection: Connection): ConnectionView {
  const { peerAddress, clientCertificate } = Object(connection) as Connection;
  const isKnown = ['peerAddress', 'clientCertificate'].some((name) => name in (Object(connection) as object));
  if (!isKnown || !isOptional(peerAddress, 'string') || !isOptional(clientCertificate, 'function'))
    throw misuse(
      'setConnection(request, connection)',
      'needs the request of node:http, or an object with peerAddress (a string) or clientCertificate (a function)',
    );
  return { peerAddress, clientAddress: peerAddress, clientCertificate };
}

function isOptional(value: unknown, type: 'string' | 'function'): boolean {
  return value === undefined || typeof value === type;
}
