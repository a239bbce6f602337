/** A request as the guard sees it: what an adapter reads from its framework, and nothing else. */
export interface ProtectedRequest {
  /** The HTTP method as it was sent, with case. */
  readonly method: string;
  /**
   * Path and query as the client sent them: the original target, not what a mounted router sees. Compare {@link params} or {@link path} rather than
   * this: one resource has many targets.
   */
  readonly target: string;
  /** The target's path in one way of writing (RFC 3986 s6.2.2): without query, nothing encoded that need not be, no doubled slash and none at the end. */
  readonly path?: string | undefined;
  /** The parameters of the route that the framework matched, decoded: `/tenants/:tenant` gives `tenant`. */
  readonly params?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** `scheme://host[:port]` as the client addressed it, by the framework's own proxy rules. */
  readonly origin?: string | undefined;
  /** The client's address by the framework's own proxy rules: asked for only where somebody listens for tokens that are used strangely. */
  readonly clientAddress?: string | undefined;
  /** Field names in lower case. An array holds separate field lines: a doubled `Authorization` must be seen. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The pattern of the route that the framework matched, where it tells: `/orders/:id`. Read only when a refusal is told. */
  readonly route?: string | undefined;
  /** The framework's own identifier of the request, where it has one. Read only when a refusal is told. */
  readonly requestId?: string | undefined;
  /** Whether a body comes with it, where the headers need not say so (HTTP/2). */
  readonly hasBody?: boolean | undefined;
  /**
   * What lives exactly as long as the request is being answered, or the socket that it was upgraded to: `auth.signal` goes with it, and what listens to
   * it. Without it a signal is kept until its token ends.
   */
  readonly heldBy?: object | undefined;
  /** The TLS connection's client certificate, asked for only by a bound token. */
  readonly clientCertificate?: (() => ClientCertificate | undefined) | undefined;
}

export interface ClientCertificate {
  /** The certificate in DER. */
  readonly raw: Uint8Array;
  /** Whether TLS found it to be signed by a trusted authority. */
  readonly authorized: boolean;
}
