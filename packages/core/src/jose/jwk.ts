/** A JSON Web Key Set (RFC 7517 s5) with public keys. */
export interface Jwks {
  readonly keys: readonly Jwk[];
}

/**
 * A JSON Web Key (RFC 7517 s4). Only its public members are used. The JWK types of Node and jose are assignable to it, and so are objects as a server
 * publishes them.
 */
export type Jwk = JwkMembers | (JwkMembers & Readonly<Record<string, unknown>>);

/** Declared here, because `@types/node` moved and changed its `JsonWebKey` between major versions. */
interface JwkMembers {
  readonly kty?: string | undefined;
  readonly kid?: string | undefined;
  readonly alg?: string | undefined;
  readonly use?: string | undefined;
  readonly key_ops?: readonly string[] | undefined;
  /** RSA (RFC 7518 s6.3.1). */
  readonly n?: string | undefined;
  readonly e?: string | undefined;
  /** Elliptic curves (RFC 7518 s6.2.1, RFC 8037 s2). */
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  /** ML-DSA (draft-ietf-cose-dilithium). */
  readonly pub?: string | undefined;
}
