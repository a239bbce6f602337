import type { NamesSource } from '../auth/names.js';

/** The rules for the claims of an issuer's tokens. */
export interface ClaimRules {
  readonly issuer: string;
  /** undefined: any, with `unsafeAcceptTokensForAnyAudience`. */
  readonly audiences: ReadonlySet<string> | undefined;
  readonly clockSkewSeconds: number;
  readonly requiredClaims: readonly string[];
  /** Claims that must have one of these values, by name. */
  readonly requiredValues: ReadonlyMap<string, ReadonlySet<string | number | boolean>>;
  /** The same for members of claims. */
  readonly requiredMembers: readonly MemberValues[];
  /** Values that claims, or members of claims, must not have. */
  readonly forbiddenValues: readonly MemberValues[];
  readonly maxTokenAgeSeconds: number | undefined;
  readonly maxTokenLifetimeSeconds: number | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly profile: 'rfc9068' | 'jwt-svid' | undefined;
  /** Paths to claims, or to members of claims, that must be absent. */
  readonly forbiddenClaims: readonly (readonly string[])[];
  /** The claim that names the client, if it is neither `client_id` nor `azp`. */
  readonly clientIdClaim: string | undefined;
  readonly rolesFrom: NamesSource;
  /** undefined: `scope` and `scp`. */
  readonly scopesFrom: NamesSource | undefined;
  /** Whether `iat` may be missing. */
  readonly acceptWithoutIssuedAt: boolean;
}

/** Values of a claim, or of a member at the end of a path through claims that are objects. */
export interface MemberValues {
  readonly path: readonly string[];
  readonly values: ReadonlySet<string | number | boolean>;
}

/** The claims that the profile requires beyond those of every token (RFC 9068 s2.2). */
export const RFC9068_CLAIMS: readonly string[] = ['aud', 'sub', 'client_id', 'jti'];

/** Combines two demands on the values of claims. For a claim in both, only values that both allow remain. */
export function bothValues<V>(some: ReadonlyMap<string, ReadonlySet<V>>, others: ReadonlyMap<string, ReadonlySet<V>>): Map<string, ReadonlySet<V>> {
  const both = new Map<string, ReadonlySet<V>>(some);
  for (const [name, values] of others) both.set(name, some.has(name) ? new Set([...values].filter((value) => some.get(name)!.has(value))) : values);
  return both;
}
