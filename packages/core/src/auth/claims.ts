/**
 * The claims of an access token: RFC 7519 s4.1, RFC 9068 s2.2, and whatever else the issuer adds. Some issuers write null for a claim that is absent:
 * the members of an {@link Auth} have undefined then.
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
