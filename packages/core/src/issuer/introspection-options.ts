import type { PrivateKeyOption } from '../net/assertion-key.js';
import type { TlsParts } from '../net/transport.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { IntrospectionCache } from './introspection-cache.js';

/** How the guard introspects opaque tokens at an authorization server (RFC 7662), and how it authenticates there. */
export interface IntrospectionOptions {
  /** The address of the introspection endpoint. By default the issuer's metadata names it (`introspection_endpoint`). */
  readonly endpoint?: string | undefined;
  /** The client id of this API at the authorization server. Required, except with a `bearerTokenFile`. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** Default: `client_secret_basic` with a `clientSecret`, `private_key_jwt` with a `privateKey`, `tls_client_auth` with `tls`. */
  readonly authentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'tls_client_auth' | undefined;
  /** The private key of `private_key_jwt` (RFC 7523): PEM (PKCS #8) or a JWK, with its `kid`. */
  readonly privateKey?: PrivateKeyOption | undefined;
  /** The client certificate of `tls_client_auth` (RFC 8705 s2), in PEM. Cannot be combined with `fetch`. */
  readonly tls?: TlsParts | undefined;
  /**
   * The path of a file with a bearer token for the endpoint (RFC 7662 s2.1), instead of the client's credentials. The guard reads it again when it changes, since
   * platforms such as Kubernetes replace such tokens.
   */
  readonly bearerTokenFile?: string | undefined;
  /**
   * Which opaque tokens belong to this issuer: those with this prefix, or those for which the function returns `true`. Required if several issuers have
   * introspection, since an opaque token names no issuer, and no server may see the tokens of another. A token that two issuers accept is refused.
   *
   * @example accepts: 'ory_at_'
   * @example accepts: (_token, request) => String(request.headers['host']) === 'partners.example.com'
   */
  readonly accepts?: string | ((token: string, request: ProtectedRequest) => boolean) | undefined;
  /** Demands signed answers (RFC 9701), which the issuer's keys must verify. An unsigned answer is then not used. Needs a `clientId`. Default: false. */
  readonly signed?: boolean | undefined;
  /** How long the answer about an active token is cached, and so how late a revocation at the issuer is noticed. Never beyond `exp`. Default: 30. */
  readonly cacheSeconds?: number | undefined;
  /** How long the answer about a token that is not active is cached. Default: 5. */
  readonly inactiveCacheSeconds?: number | undefined;
  /** How many answers are cached, for active and for inactive tokens each. Default: 10000. */
  readonly maxEntries?: number | undefined;
  /** The limit for one introspection in total, including the wait for its turn. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
  /** The most introspections at a time. Default: 20. */
  readonly maxConcurrent?: number | undefined;
  /** The most tokens that wait for their turn: this many tokens in use, and this many others. Beyond that, requests get 503. Default: 200. */
  readonly maxQueued?: number | undefined;
  /** Shares answers with the other processes of a fleet: `redisIntrospections(...)` of `@tokenward/redis`. Default: each process introspects for itself. */
  readonly cache?: IntrospectionCache | undefined;
  /**
   * Seals the answers in `cache`: at least 32 characters, the same in all processes. Default: derived from `clientSecret`, or from the key of `privateKey` or
   * `tls`. Needed with a `bearerTokenFile`.
   */
  readonly cacheSecret?: string | undefined;
  /**
   * Accepts answers without `iss`. If several issuers share one endpoint, nobody then checks which of them issued a token. An `iss` of another issuer is still
   * refused.
   */
  readonly unsafeAcceptAnswersWithoutIssuer?: boolean | undefined;
  /**
   * Accepts answers without `aud`. Whether a token is meant for this API is then up to the authorization server, which knows who asks (RFC 7662 s4). Such an
   * answer must have a `token_type`, since some servers describe refresh tokens without one. Another `aud` is still refused.
   */
  readonly unsafeAcceptAnswersWithoutAudience?: boolean | undefined;
  /** Accepts answers without `exp`. `auth.expiresAt` is then the time at which the guard asks again. Needs `cacheSeconds` of at least 1. */
  readonly unsafeAcceptAnswersWithoutExpiry?: boolean | undefined;
}
