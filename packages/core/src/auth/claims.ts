/**
 * The claims of an access token: those of RFC 7519 s4.1 and RFC 9068 s2.2, and any others that the issuer adds. Some issuers write null for an absent
 * claim. The members of an {@link Auth} are then undefined.
 */
export interface Claims {
  readonly iss: string;
  readonly aud?: string | readonly string[];
  readonly exp: number;
  /** Absent only with `unsafeAcceptTokensWithoutIssuedAt`. */
  readonly iat?: number;
  readonly nbf?: number;
  readonly sub?: string;
  readonly client_id?: string;
  readonly azp?: string;
  readonly jti?: string;
  readonly sid?: string;
  readonly scope?: string | readonly string[];
  readonly scp?: string | readonly string[];
  readonly acr?: string;
  readonly auth_time?: number;
  readonly [name: string]: unknown;
}
