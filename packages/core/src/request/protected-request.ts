/** A request as the guard sees it. An adapter reads it from its framework. */
export interface ProtectedRequest {
  /** The HTTP method as the client sent it. Case matters. */
  readonly method: string;
  /**
   * Path and query as the client sent them, not as a mounted router sees them. In policies compare {@link params} or {@link path} instead: one resource
   * has many targets.
   */
  readonly target: string;
  /** The normalised path (RFC 3986 s6.2.2): no query, no unnecessary encoding, no doubled slash, no slash at the end. */
  readonly path?: string | undefined;
  /** The decoded parameters of the route that the framework matched: `tenant` for `/tenants/:tenant`. */
  readonly params?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** `scheme://host[:port]` as the client sees it, by the framework's proxy rules. */
  readonly origin?: string | undefined;
  /** The client's address by the framework's proxy rules. Read only if somebody listens to `tokenward:token-reused`. */
  readonly clientAddress?: string | undefined;
  /**
   * The headers, best with names in lower case, as policies expect them. An array contains separate header lines: the guard must see a doubled `Authorization`.
   * It reads names in any case, and takes names that differ only in case for repeated lines. If you add headers to a request of Node, write their names in
   * lower case.
   */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The pattern of the route that the framework matched, if it is known: `/orders/:id`. Read only for events about the request. */
  readonly route?: string | undefined;
  /** The framework's identifier of the request, if it has one. Read only for events about the request. */
  readonly requestId?: string | undefined;
  /** Whether the request has a body. Over HTTP/2, the headers need not say so. */
  readonly hasBody?: boolean | undefined;
  /**
   * An object that lives until the request is answered, or the socket that it was upgraded to. `auth.signal` and its listeners are garbage-collected
   * with it. Without it, a signal is kept until its token ends.
   */
  readonly heldBy?: object | undefined;
  /** An object by which several guards know that they see the same request. It need not live as long as the request. Default: {@link heldBy}. */
  readonly identity?: object | undefined;
  /**
   * The address at the other end of the connection: that of the client, or of a proxy in front of this process. Never from a header. Read only to find out
   * whether a certificate in a header counts.
   */
  readonly peerAddress?: string | undefined;
  /** The alternating names and values of the headers, as they arrived: `rawHeaders` of node:http. Shows duplicates, which `headers` may have joined. */
  readonly rawHeaders?: readonly string[] | undefined;
  /** Returns the client certificate of the TLS connection. Called only for tokens that are bound to a certificate. */
  readonly clientCertificate?: (() => ClientCertificate | undefined) | undefined;
}

/** The certificate with which a client authenticated its TLS connection. */
export interface ClientCertificate {
  /** The certificate in DER, without those of its authorities. */
  readonly raw: Uint8Array;
  /** Whether the TLS server verified that an authority that it trusts issued the certificate: `authorized` of a `TLSSocket`. */
  readonly authorized: boolean;
}
