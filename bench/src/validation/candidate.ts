import type { JWK } from 'jose';

/** A way to validate access tokens. */
export interface ValidationCandidate {
  readonly name: string;
  /** The npm package that it measures. */
  readonly packageName?: string;
  /** Number of validations in flight. */
  readonly inFlight: number;
  /** Whether its tokens are new to it, or known, so that its cache answers. */
  readonly tokens: 'new' | 'known';
  /** What it checks: a bare signature check reads no claims, and a request that is only made is not checked. */
  readonly examines: 'signature' | 'claims' | 'nothing';
  prepare(setting: Setting): Presenter | Promise<Presenter>;
}

/** What a candidate is configured with, the same for each. */
export interface Setting {
  readonly algorithm: Algorithm;
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: { readonly keys: readonly [PublicJwk] };
  /** Number of different tokens that rotate. A smaller cache never finds one again. */
  readonly poolSize: number;
}

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

export type PublicJwk = JWK & { readonly kid: string; readonly alg: Algorithm; readonly kty: string };

/** Prepares an attempt, which alone is measured. It should leave next to no garbage, since V8 may collect it at any time. */
export type Presenter = (token: TokenBytes) => Attempt;

/** One validation. It throws, rejects or returns `false` if the token is refused. */
export type Attempt = () => unknown;

/**
 * A token as it comes from the network. Each attempt makes its own strings from it, as an HTTP parser does: a string that was used before knows its
 * hash, which flatters a cache.
 */
export interface TokenBytes {
  /** The value of the `Authorization` field: `Bearer `, then the token. */
  readonly field: Buffer;
  readonly token: Buffer;
}

export function readFresh(bytes: Buffer): string {
  return bytes.toString('latin1');
}
