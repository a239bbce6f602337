import type { Clock } from '../lib/clock.js';
import type { PrivateKeyOption } from '../net/assertion-key.js';
import type { ClientAuthentication } from '../net/client-options.js';
import type { TlsParts } from '../net/transport.js';

/** The authorization server, this API's credentials as its client, and the APIs that it calls. */
export interface TokenExchangeOptions {
  /**
   * The APIs that may be called, by the name of each at the authorization server: its `audience` (RFC 8693 s2.1).
   *
   * @example audiences: { billing: { origins: ['https://billing.internal'], scope: 'invoices:read' } }
   */
  readonly audiences: Readonly<Record<string, ExchangeTarget>>;
  /** The authorization server's issuer identifier. Only tokens of this issuer are exchanged. Required, unless all audiences relay the received token. */
  readonly issuer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** How this API authenticates. Default: what the given credentials are for. `none` is for a public client. */
  readonly authentication?: ClientAuthentication | undefined;
  /** For `private_key_jwt` (RFC 7523): the key that signs assertions. */
  readonly privateKey?: PrivateKeyOption | undefined;
  /**
   * For `tls_client_auth` (RFC 8705): the client certificate and its key, in PEM. The authorities in `ca` must have issued the certificate of the token
   * endpoint. For the issuer's metadata, they count in addition to those that Node trusts.
   */
  readonly tls?: TlsParts | undefined;
  /** The address of the token endpoint. By default the issuer's metadata names it. */
  readonly tokenEndpoint?: string | undefined;
  /** The address of the issuer's metadata, if it is not under the issuer's own name. The document's `issuer` must still equal `issuer`. */
  readonly metadataUrl?: string | undefined;
  /** Hosts for which plain http is accepted, both for the issuer and for `origins`. Anybody on the network path to them can read the tokens. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** The limit for one exchange in total. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
  /** How long a called API may take until its answer begins. Default: 30. */
  readonly callTimeoutSeconds?: number | undefined;
  /** How long an exchanged token is used for the same received token, at most. It is never used after either has expired. 0: for one call. Default: 300. */
  readonly cacheSeconds?: number | undefined;
  /** The most exchanged tokens in the cache. Default: 5000. */
  readonly maxEntries?: number | undefined;
  /** The most exchanges at a time. Default: 20. */
  readonly maxConcurrent?: number | undefined;
  /** The most exchanges that wait for their turn. Beyond that, calls fail at once. Default: 200. */
  readonly maxQueued?: number | undefined;
  /**
   * Calls the APIs instead of the global `fetch`, for example with a client certificate. It gets the token, and must not follow redirects on its own: no
   * answer of a followed redirect is returned.
   */
  readonly apiFetch?: typeof globalThis.fetch | undefined;
  /** The source of the time, for tests. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** One API that may be called. */
export interface ExchangeTarget {
  /** Where the API is: `https://billing.internal`. The token is sent nowhere else. */
  readonly origins: readonly string[];
  /** The scope to ask for, separated by spaces. Default: what the authorization server grants. */
  readonly scope?: string | undefined;
  /** The API's address at the authorization server, sent as `resource` (RFC 8693 s2.1) instead of `audience`. */
  readonly resource?: string | undefined;
  /**
   * Sends the received token as it is, instead of exchanging it. The API can then use it wherever the user's client can, including this API. A token that is
   * bound to its client is refused.
   */
  readonly unsafeRelayReceivedToken?: boolean | undefined;
}
