import type { NamesSource } from '../auth/names.js';

/** What tokens are held against: the part of a guard's configuration that is about claims. */
export interface ClaimRules {
  readonly issuer: string;
  /** undefined: any, since the options said so. */
  readonly audiences: ReadonlySet<string> | undefined;
  readonly clockSkewSeconds: number;
  readonly requiredClaims: readonly string[];
  /** Claims that must have one of these values, by name. */
  readonly requiredValues: ReadonlyMap<string, ReadonlySet<string | number | boolean>>;
  readonly maxTokenAgeSeconds: number | undefined;
  readonly maxTokenLifetimeSeconds: number | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly profile: 'rfc9068' | undefined;
  readonly forbiddenClaims: readonly string[];
  /** The claim that names the client where neither `client_id` nor `azp` does. */
  readonly clientIdClaim: string | undefined;
  readonly rolesFrom: NamesSource;
  /** undefined: `scope` and `scp`. */
  readonly scopesFrom: NamesSource | undefined;
  /** Whether `iat` may be absent. */
  readonly acceptWithoutIssuedAt: boolean;
}

/** RFC 9068 s2.2: the claims that the profile requires, beyond those required of every token. */
export const RFC9068_CLAIMS: readonly string[] = ['aud', 'sub', 'client_id', 'jti'];

/** Both values that a claim must have: of a claim that both speak of, only what both allow. */
export function bothValues<V>(some: ReadonlyMap<string, ReadonlySet<V>>, others: ReadonlyMap<string, ReadonlySet<V>>): Map<string, ReadonlySet<V>> {
  const both = new Map<string, ReadonlySet<V>>(some);
  for (const [name, values] of others) both.set(name, some.has(name) ? new Set([...values].filter((value) => some.get(name)!.has(value))) : values);
  return both;
}
