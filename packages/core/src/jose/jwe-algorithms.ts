/** An algorithm that protects the key of an encrypted token (JWE `alg`, RFC 7518 s4). RSA1_5 and the password-based PBES2 are not supported. */
export type KeyEncryptionAlgorithm = keyof typeof KEY_ENCRYPTION;
/** An algorithm that encrypts the content of a token (JWE `enc`, RFC 7518 s5). */
export type ContentEncryptionAlgorithm = keyof typeof CONTENT_ENCRYPTION;

/**
 * How the key of the content reaches the recipient.
 *
 * - `rsa`: encrypted with an RSA key
 * - `agreed`: agreed on with an elliptic curve key. With `agreed-wrapping`, the result encrypts the key
 * - `wrapped`, `gcm-wrapped`: encrypted with a secret key
 * - `direct`: a secret key itself
 */
export type KeyEncryptionFamily = 'rsa' | 'agreed' | 'agreed-wrapping' | 'wrapped' | 'gcm-wrapped' | 'direct';

interface KeyEncryption {
  readonly family: KeyEncryptionFamily;
  /** Of a secret key. undefined for `dir`, where it follows from the content's algorithm. */
  readonly secretBytes?: number;
}

export const KEY_ENCRYPTION = {
  'RSA-OAEP': { family: 'rsa' },
  'RSA-OAEP-256': { family: 'rsa' },
  'RSA-OAEP-384': { family: 'rsa' },
  'RSA-OAEP-512': { family: 'rsa' },
  'ECDH-ES': { family: 'agreed' },
  'ECDH-ES+A128KW': { family: 'agreed-wrapping' },
  'ECDH-ES+A192KW': { family: 'agreed-wrapping' },
  'ECDH-ES+A256KW': { family: 'agreed-wrapping' },
  A128KW: { family: 'wrapped', secretBytes: 16 },
  A192KW: { family: 'wrapped', secretBytes: 24 },
  A256KW: { family: 'wrapped', secretBytes: 32 },
  A128GCMKW: { family: 'gcm-wrapped', secretBytes: 16 },
  A192GCMKW: { family: 'gcm-wrapped', secretBytes: 24 },
  A256GCMKW: { family: 'gcm-wrapped', secretBytes: 32 },
  dir: { family: 'direct' },
} as const satisfies Record<string, KeyEncryption>;

export const KEY_ENCRYPTION_ALGORITHMS = Object.keys(KEY_ENCRYPTION) as readonly KeyEncryptionAlgorithm[];
/** RSA-OAEP uses SHA-1, which is not broken in it. Still, it is used only if an option names it. */
export const RSA_DEFAULTS = ['RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'] as const satisfies readonly KeyEncryptionAlgorithm[];
export const AGREED_DEFAULTS = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'] as const satisfies readonly KeyEncryptionAlgorithm[];

interface ContentEncryption {
  readonly keyBytes: number;
  readonly ivBytes: number;
  readonly tagBytes: number;
  /** Of a block, which the ciphertext consists of. */
  readonly blockBytes: number;
}

export const CONTENT_ENCRYPTION = {
  A128GCM: { keyBytes: 16, ivBytes: 12, tagBytes: 16, blockBytes: 1 },
  A192GCM: { keyBytes: 24, ivBytes: 12, tagBytes: 16, blockBytes: 1 },
  A256GCM: { keyBytes: 32, ivBytes: 12, tagBytes: 16, blockBytes: 1 },
  'A128CBC-HS256': { keyBytes: 32, ivBytes: 16, tagBytes: 16, blockBytes: 16 },
  'A192CBC-HS384': { keyBytes: 48, ivBytes: 16, tagBytes: 24, blockBytes: 16 },
  'A256CBC-HS512': { keyBytes: 64, ivBytes: 16, tagBytes: 32, blockBytes: 16 },
} as const satisfies Record<string, ContentEncryption>;

export const CONTENT_ENCRYPTION_ALGORITHMS = Object.keys(CONTENT_ENCRYPTION) as readonly ContentEncryptionAlgorithm[];

/** The curves of ECDH-ES, with the bytes of a coordinate (RFC 7518 s6.2.1.2, RFC 8037 s2). */
export const CURVES: ReadonlyMap<string, { readonly kty: 'EC' | 'OKP'; readonly bytes: number }> = new Map([
  ['P-256', { kty: 'EC', bytes: 32 }],
  ['P-384', { kty: 'EC', bytes: 48 }],
  ['P-521', { kty: 'EC', bytes: 66 }],
  ['X25519', { kty: 'OKP', bytes: 32 }],
]);

/** Returns an algorithm by its exact name. */
export function keyEncryptionNamed(name: string): KeyEncryptionAlgorithm | undefined {
  return Object.hasOwn(KEY_ENCRYPTION, name) ? (name as KeyEncryptionAlgorithm) : undefined;
}

export function contentEncryptionNamed(name: string): ContentEncryptionAlgorithm | undefined {
  return Object.hasOwn(CONTENT_ENCRYPTION, name) ? (name as ContentEncryptionAlgorithm) : undefined;
}

/** Returns the bytes of the secret key that an algorithm needs. undefined for `dir`, and for algorithms with other keys. */
export function secretBytesOf(algorithm: KeyEncryptionAlgorithm): number | undefined {
  const traits: KeyEncryption = KEY_ENCRYPTION[algorithm];
  return traits.secretBytes;
}

export function familyOf(algorithm: KeyEncryptionAlgorithm): KeyEncryptionFamily {
  return KEY_ENCRYPTION[algorithm].family;
}
