import type { NamesReader } from '../auth/names.js';
import type { Algorithm } from '../jose/algorithms.js';
import { KEY_OPTION_NAMES } from './given-keys.js';
import type { Jwks } from '../jose/jwk.js';
import type { SecretEncoding } from '../keys/secret-encodings.js';
import type { SharedSecret } from '../keys/shared-secrets.js';

/** What is told of one authorization server, and of the tokens that it issues for this API. */
export interface IssuerOptions {
  /**
   * The authorization server's issuer identifier, to the letter as it stands in `iss`. With `{tenant}` for one segment of it, it stands for the
   * issuers of all `tenants`. Default: the environment's `ISSUER_BASE_URL`. Where `metadataUrl`, `jwksUri`, `jwks`, `jwksFile` or shared secrets are
   * given, nothing is fetched from it, and it may be any StringOrURI (RFC 7519 s2).
   */
  readonly issuer?: string | undefined;
  /** The tenants of an issuer with `{tenant}`, as they stand there; the token's `tid` must say the same. */
  readonly tenants?: readonly string[] | undefined;
  /** Instead of `tenants`: whoever is any tenant of that server then passes. `jwksUri` or `jwks` must say where all their keys are. */
  readonly unsafeAcceptAnyTenant?: boolean | undefined;
  /** Who the tokens must be meant for: this API's identifier, or several (any one will do). Default: the environment's `AUDIENCE`. */
  readonly audience?: string | readonly string[] | undefined;
  /** Instead of `audience`: tokens that the issuer made for any other API then pass here too. */
  readonly unsafeAcceptTokensForAnyAudience?: boolean | undefined;
  /**
   * Where the issuer's metadata is fetched, when that is not under the issuer's own name: inside a Docker network, say. The `issuer` in the
   * document must still equal `issuer`.
   */
  readonly metadataUrl?: string | undefined;
  /** Hosts that may be asked over plain http, exactly as they stand in the URL: anybody on the way to them can forge the issuer's keys. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** Where the issuer's keys are, instead of asking its metadata. */
  readonly jwksUri?: string | undefined;
  /** The issuer's public keys themselves, instead of fetching them: a JWKS, or PEM. Rotating one then takes a restart. */
  readonly jwks?: Jwks | string | undefined;
  /** The file that holds them: a JWKS, or PEM. It is read again when it changes; what can't be read never replaces what could. */
  readonly jwksFile?: string | undefined;
  /**
   * Secrets shared with the authorization server, for HS256, HS384 and HS512: bytes, or a text and its encoding, such as `{ base64url: '...' }`. All
   * are tried, so that one can follow another. Beside public keys (a migration) only where `algorithms` names both kinds.
   */
  readonly sharedSecrets?: SharedSecret | readonly SharedSecret[] | undefined;
  /** The file that holds them, one a line. It is read again when it changes. */
  readonly sharedSecretsFile?: SharedSecretsFile | undefined;
  /**
   * Signature algorithms to allow. Default: all of RS, PS, ES 256 to 512, EdDSA, and ML-DSA where the runtime has it; each key is used only for
   * those that fit it. With shared secrets: HS256.
   */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** How far the issuer's clock may be off, in seconds, at most 300. Default: 30. */
  readonly clockSkewSeconds?: number | undefined;
  /** `rfc9068` demands the whole profile for JWT access tokens: `typ` at+jwt, and `sub`, `client_id`, `jti`. */
  readonly profile?: 'rfc9068' | undefined;
  /** Claims that must be there and not null. */
  readonly requiredClaims?: readonly string[] | undefined;
  /** Claims that must have this value, or one of these. */
  readonly requiredValues?: Readonly<Record<string, RequiredValue | readonly RequiredValue[]>> | undefined;
  /** Claims that must not be there. */
  readonly forbiddenClaims?: readonly string[] | undefined;
  /** Tokens issued (`iat`) longer ago are refused, whatever their `exp` says. */
  readonly maxTokenAgeSeconds?: number | undefined;
  /** Tokens made to live longer (`exp` - `iat`) are refused. */
  readonly maxTokenLifetimeSeconds?: number | undefined;
  /** The clients (`client_id`, `azp`) whose tokens are accepted. Default: all. */
  readonly allowedClients?: readonly string[] | undefined;
  /** The claim that names the client, where it is neither `client_id` nor `azp`. Where it is there, it alone counts. */
  readonly clientIdClaim?: string | undefined;
  /**
   * Accepts tokens without `iat`, of issuers that write none. Revocations by subject, session, client or issuer then hit all of them, whenever they
   * were issued. `maxTokenAgeSeconds`, `maxTokenLifetimeSeconds` and `profile` can't be combined with it.
   */
  readonly unsafeAcceptTokensWithoutIssuedAt?: boolean | undefined;
  /**
   * Where the roles are: a claim's name, as an array the path to it, as an array of arrays several paths, or a function that reads them. A text is one
   * role. Default: `roles`.
   *
   * @example rolesClaim: ['realm_access', 'roles']
   * @example rolesClaim: (claims) => Object.keys(claims['urn:zitadel:iam:org:project:roles'] ?? {})
   */
  readonly rolesClaim?: NamesClaim | undefined;
  /** Where the scopes are instead of `scope` and `scp`, in the same forms. A text holds names between blanks. */
  readonly scopesClaim?: NamesClaim | undefined;
  readonly keyFetching?: KeyFetchingOptions | undefined;
}

export type NamesClaim = string | readonly string[] | readonly (readonly string[])[] | NamesReader;

/** Where shared secrets are, and how each line of the file is to be read. */
export interface SharedSecretsFile {
  readonly path: string;
  readonly encoding: SecretEncoding;
}

export type RequiredValue = string | number | boolean;

/** How the issuer's metadata and keys are fetched. */
export interface KeyFetchingOptions {
  /** For all of one refresh, metadata and keys: from the first byte asked for to the last received. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
  /** Counted after decompression. Default: 524288. */
  readonly maxBytes?: number | undefined;
  /** Default: 100. */
  readonly maxKeys?: number | undefined;
  /**
   * The hosts that the issuer's metadata may name for its keys, beside the issuer's own. Default: any host, as long as its address is a public
   * one; a private or link-local address has to be listed here.
   */
  readonly jwksHosts?: readonly string[] | undefined;
  /** How long keys count as fresh when the server does not say (its `Cache-Control` counts between a minute and an hour). Default: 600. */
  readonly freshSeconds?: number | undefined;
  /** How long keys that are no longer fresh serve on while the issuer can't be reached. Default: 3600. */
  readonly staleSeconds?: number | undefined;
  /** How long after looking for an unknown key the issuer is not asked for another. Default: 30. */
  readonly unknownKeyCooldownSeconds?: number | undefined;
}

export const ISSUER_OPTION_NAMES = [
  'issuer',
  'tenants',
  'unsafeAcceptAnyTenant',
  'audience',
  'unsafeAcceptTokensForAnyAudience',
  ...KEY_OPTION_NAMES,
  'unsafeHttpHosts',
  'algorithms',
  'clockSkewSeconds',
  'profile',
  'requiredClaims',
  'requiredValues',
  'forbiddenClaims',
  'maxTokenAgeSeconds',
  'maxTokenLifetimeSeconds',
  'allowedClients',
  'clientIdClaim',
  'rolesClaim',
  'scopesClaim',
  'unsafeAcceptTokensWithoutIssuedAt',
  'keyFetching',
] as const satisfies readonly (keyof IssuerOptions)[];
