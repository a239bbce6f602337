import type { NamesReader } from '../auth/names.js';
import type { Algorithm } from '../jose/algorithms.js';
import type { Jwks } from '../jose/jwk.js';
import type { SecretEncoding } from '../keys/secret-encodings.js';
import type { SharedSecret } from '../keys/shared-secrets.js';
import type { IntrospectionOptions } from './introspection-options.js';

/** The options for one authorization server, and for the tokens that it issues for this API. */
export interface IssuerOptions {
  /**
   * The authorization server's issuer identifier, exactly as tokens have it in `iss`. `{tenant}` in place of one segment stands for each of the
   * `tenants`. With `metadataUrl`, `jwksUri`, `jwks`, `jwksFile` or shared secrets, the guard fetches nothing from it, and it may be any StringOrURI
   * (RFC 7519 s2). Default: the environment variable `ISSUER_BASE_URL`.
   */
  readonly issuer?: string | undefined;
  /** The tenants that `{tenant}` in `issuer` stands for. The token's `tid` must equal the tenant in its `iss`. */
  readonly tenants?: readonly string[] | undefined;
  /** Accepts the tokens of all tenants of the server, instead of listed `tenants`. Needs `jwks`, `jwksFile`, or a `jwksUri` for the keys of all tenants. */
  readonly unsafeAcceptAnyTenant?: boolean | undefined;
  /** This API's identifier, or several: `aud` of a token must name one of them (RFC 7519 s4.1.3). Default: the environment variable `AUDIENCE`. */
  readonly audience?: string | readonly string[] | undefined;
  /** Accepts tokens that were issued for any API. Set it instead of `audience`. */
  readonly unsafeAcceptTokensForAnyAudience?: boolean | undefined;
  /**
   * The URL of the issuer's metadata, if it is not under the issuer's own name: inside a Docker network, for example. The `issuer` in the document must
   * still equal `issuer`.
   */
  readonly metadataUrl?: string | undefined;
  /** Hosts for which plain http is accepted, exactly as in the URL. Anybody on the network path to them can forge the issuer's keys. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** The URL of the issuer's keys (RFC 7517 s5). By default the issuer's metadata names it. */
  readonly jwksUri?: string | undefined;
  /** The issuer's public keys as a JWKS or PEM, instead of fetching them. To change them, restart the process. */
  readonly jwks?: Jwks | string | undefined;
  /** The path of a file with the public keys, as a JWKS or PEM. The guard reads it again when it changes. If that fails, the last good keys stay in use. */
  readonly jwksFile?: string | undefined;
  /**
   * Secrets shared with the authorization server, for HS256, HS384 and HS512: bytes, or a text and its encoding. All are tried, so that a new one can
   * replace an old one. They may be combined with public keys only if `algorithms` names both kinds, for a migration.
   *
   * @example sharedSecrets: { base64url: process.env.TOKEN_SECRET }
   */
  readonly sharedSecrets?: SharedSecret | readonly SharedSecret[] | undefined;
  /** A file with the secrets, one on each line. The guard reads it again when it changes. */
  readonly sharedSecretsFile?: SharedSecretsFile | undefined;
  /**
   * The allowed signature algorithms. Each key is used only for algorithms that fit it. Default: RS, PS and ES 256 to 512, EdDSA, and ML-DSA if the
   * runtime has it; with shared secrets, HS256.
   */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** How far the issuer's clock may be off, in seconds, at most 300. Default: 30. */
  readonly clockSkewSeconds?: number | undefined;
  /**
   * `rfc9068` demands the whole profile for JWT access tokens (RFC 9068 s2): `typ` at+jwt, and `sub`, `client_id`, `jti`.
   *
   * `fapi2`, which only the guard itself can have, sets what the FAPI 2.0 Security Profile demands of APIs, and locks it: an option that contradicts it stops
   * the start. All tokens must then be bound to their senders.
   *
   * `jwt-svid`: the tokens are JWT-SVIDs (SPIFFE). Their issuer is the trust domain of the SPIFFE ID in `sub`, and `issuer` is that trust domain:
   * `spiffe://example.org`. `iss` is ignored. Needs the trust bundle as `jwksUri`, `jwksFile` or `jwks`, of which only keys with the use `jwt-svid` count.
   */
  readonly profile?: 'rfc9068' | 'fapi2' | 'jwt-svid' | undefined;
  /** Claims that must be present and not null. */
  readonly requiredClaims?: readonly string[] | undefined;
  /**
   * Claims that must have a value, or one of several. If a claim is an object, an object names what its members must have.
   *
   * @example requiredValues: { tenant: ['a', 'b'], firebase: { tenant: 'shop' } }
   */
  readonly requiredValues?: ClaimValues | undefined;
  /**
   * Claims that must be absent, by name. An array is the path to a member of a claim that is an object.
   *
   * @example forbiddenClaims: ['act', ['firebase', 'tenant']]
   */
  readonly forbiddenClaims?: readonly (string | readonly string[])[] | undefined;
  /**
   * Values that claims must not have, in the same form. A claim that is a list must contain none of them.
   *
   * @example forbiddenValues: { is_anonymous: true }
   */
  readonly forbiddenValues?: ClaimValues | undefined;
  /** Refuses tokens that were issued (`iat`) longer ago, whatever their `exp`. */
  readonly maxTokenAgeSeconds?: number | undefined;
  /** Refuses tokens with a longer lifetime (`exp` - `iat`). */
  readonly maxTokenLifetimeSeconds?: number | undefined;
  /** The clients (`client_id`, else `azp`) whose tokens are accepted. Default: all. */
  readonly allowedClients?: readonly string[] | undefined;
  /** The claim that names the client, if it is neither `client_id` nor `azp`. If a token has it, those two are ignored. */
  readonly clientIdClaim?: string | undefined;
  /**
   * Accepts tokens without `iat`. Revocations by subject, session, client or issuer then apply to all of them, whenever they were issued. Cannot be
   * combined with `maxTokenAgeSeconds`, `maxTokenLifetimeSeconds` and `profile`.
   */
  readonly unsafeAcceptTokensWithoutIssuedAt?: boolean | undefined;
  /**
   * Where the roles are: a claim's name, an array as the path to it, an array of paths, or a function that reads them. A string is one role. Default:
   * `roles`.
   *
   * @example rolesClaim: ['realm_access', 'roles']
   * @example rolesClaim: (claims) => Object.keys(claims['urn:zitadel:iam:org:project:roles'] ?? {})
   */
  readonly rolesClaim?: NamesClaim | undefined;
  /** Where the scopes are, in the same forms. A string contains scopes separated by spaces. Default: `scope` and `scp`. */
  readonly scopesClaim?: NamesClaim | undefined;
  readonly keyFetching?: KeyFetchingOptions | undefined;
  /**
   * Introspects tokens at the issuer (RFC 7662): opaque ones, and with `introspect: 'always'` JWTs too. Without it, opaque tokens are refused. Set it
   * for an issuer that the options list: it cannot be combined with `{tenant}`, and a function cannot return it.
   *
   * @example introspection: { clientId: 'orders-api', clientSecret: process.env.CLIENT_SECRET }
   */
  readonly introspection?: IntrospectionOptions | undefined;
  /** Which tokens are introspected. `always`: JWTs too, so that a revocation at the issuer is noticed within `cacheSeconds`. Default: `opaque`. */
  readonly introspect?: 'opaque' | 'always' | undefined;
}

export type NamesClaim = string | readonly string[] | readonly (readonly string[])[] | NamesReader;

/** A file with shared secrets. */
export interface SharedSecretsFile {
  readonly path: string;
  /** How each line encodes a secret. */
  readonly encoding: SecretEncoding;
}

/** The value of a claim that options can name. */
export type ClaimValue = string | number | boolean;

/** Values of claims by name: one, or several of which any counts, or those of the members of a claim that is an object. */
export interface ClaimValues {
  readonly [claim: string]: ClaimValue | readonly ClaimValue[] | ClaimValues;
}

/** Limits of fetching the issuer's metadata and keys. */
export interface KeyFetchingOptions {
  /** The limit for one refresh in total, metadata and keys. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
  /** The largest document, after decompression. Default: 524288. */
  readonly maxBytes?: number | undefined;
  /** Default: 100. */
  readonly maxKeys?: number | undefined;
  /**
   * The hosts besides the issuer's own that the metadata may name for the keys. Default: any host with a public address. List a host with a private or
   * link-local address here.
   */
  readonly jwksHosts?: readonly string[] | undefined;
  /**
   * A file with certificates of authorities (PEM). They must have issued the certificates of the servers with metadata and keys: the guard then does not trust
   * the authorities that Node trusts. It reads the file at each fetch. The option cannot be combined with a `fetch` of your own. If the guard fetches metadata
   * only to find an introspection endpoint, it trusts the authorities of Node too. For the endpoint itself, the option has no effect.
   */
  readonly caFile?: string | undefined;
  /** The same as text, in PEM. */
  readonly ca?: string | undefined;
  /**
   * A file with a token that the server of the keys demands, such as the API server of Kubernetes. It is read at each fetch, and sent only over https and only to
   * the origin that the options name (`jwksUri`, else `metadataUrl`, else `issuer`): not to another one that the metadata names, and not along redirects.
   */
  readonly bearerTokenFile?: string | undefined;
  /** How long keys are fresh if the server's `Cache-Control` sets no lifetime. A lifetime that it sets is limited to between a minute and an hour. Default: 600. */
  readonly freshSeconds?: number | undefined;
  /** How long keys stay in use during an outage once they are no longer fresh. Default: 3600. */
  readonly staleSeconds?: number | undefined;
  /** The time between two fetches for unknown keys. Default: 30. */
  readonly unknownKeyCooldownSeconds?: number | undefined;
}
