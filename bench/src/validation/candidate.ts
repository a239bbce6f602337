import type { JWK } from 'jose';

/** A way to validate access tokens. */
export interface ValidationCandidate {
  readonly name: string;
  /** The npm package that it stands for. */
  readonly packageName?: string;
  /** How many validations are under way at once. */
  readonly inFlight: number;
  /** Whether its tokens are new to it (as far as the pool of them goes) or known, so that its cache answers. */
  readonly tokens: 'new' | 'known';
  /** What it looks at: a raw signature check knows of no claims. */
  readonly examines: 'signature' | 'claims';
  prepare(setting: Setting): Presenter | Promise<Presenter>;
}

/** What a candidate is told: the same for each. */
export interface Setting {
  readonly algorithm: Algorithm;
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: { readonly keys: readonly [PublicJwk] };
  /** So many different tokens go round: whoever keeps fewer never meets one again. */
  readonly poolSize: number;
}

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

export type PublicJwk = JWK & { readonly kid: string; readonly alg: Algorithm; readonly kty: string };

/** Gets a token ready as a server holds it when its request has come in. That much is not measured; the attempt is. */
export type Presenter = (token: TokenBytes) => Attempt;

/** One validation: it throws, rejects or gives `false` where the token is refused. */
export type Attempt = () => unknown;

/**
 * A token as it comes from the network. Each attempt has strings of its own made from it, as an HTTP parser makes them: one that was used
 * before knows its hash already, which would flatter a cache.
 */
export interface TokenBytes {
  /** The whole of the `Authorization` field: `Bearer `, then the token. */
  readonly field: Buffer;
  readonly token: Buffer;
}

export function readFresh(bytes: Buffer): string {
  return bytes.toString('latin1');
}
