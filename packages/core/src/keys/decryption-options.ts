import type { KeyObject } from 'node:crypto';
import type { ContentEncryptionAlgorithm, KeyEncryptionAlgorithm } from '../jose/jwe-algorithms.js';

/** A key of this API that decrypts access tokens, or a file with such keys. The authorization server has only the public part, unless the key is a secret. */
export interface DecryptionKeyOption {
  /** A private key: a JWK with its private members, a PEM text, or a KeyObject. Or a secret key: a JWK or a KeyObject, with `algorithms`. */
  readonly key?: KeyObject | string | Readonly<Record<string, unknown>> | undefined;
  /**
   * The path of a file with a private JWK, a JWKS of private keys, or private keys in PEM. The guard reads it again when it changes. If that fails, the last
   * good keys stay in use.
   */
  readonly file?: string | undefined;
  /** The key id that tokens name in `kid`. Default: that of the JWK. A key without one is tried for tokens whose `kid` no other key has. */
  readonly kid?: string | undefined;
  /**
   * The algorithms (`alg`) that the key is for. Default: that of the JWK, else RSA-OAEP-256, -384 and -512, or ECDH-ES with and without key wrapping. A secret
   * key needs exactly one.
   */
  readonly algorithms?: readonly KeyEncryptionAlgorithm[] | undefined;
}

/** How the guard treats encrypted tokens. */
export interface EncryptedTokensOptions {
  /** Refuses JWTs that are not encrypted. Opaque tokens, which only the issuer can read, are not affected. Default: false. */
  readonly required?: boolean | undefined;
  /** The allowed algorithms for the content (`enc`). Default: A128GCM, A192GCM, A256GCM, A128CBC-HS256, A192CBC-HS384, A256CBC-HS512. */
  readonly contentAlgorithms?: readonly ContentEncryptionAlgorithm[] | undefined;
}
