import { createHash, createSecretKey, hkdfSync, type webcrypto } from 'node:crypto';

/** What a key encrypts. A text that was sealed for one purpose cannot be opened for another. */
export type SealPurpose = 'session' | 'login' | 'store';

/** One key of a ring. */
export interface RingKey {
  /** Names the key in a sealed text, and tells nothing about it. */
  readonly kid: string;
  readonly key: webcrypto.CryptoKey;
}

/** The keys for one purpose and one name. */
export interface KeyRing {
  /** The key that encrypts. */
  readonly first: RingKey;
  readonly all: readonly RingKey[];
}

const KEY_BYTES = 32;
const KID_LENGTH = 8;

/**
 * Derives the keys for one purpose and one name from the secrets, by HKDF with SHA-256 (RFC 5869). The keys cannot be exported, so they cannot be printed
 * either.
 *
 * @param secrets the first is for encryption, all are for decryption
 */
export function createKeyRing(secrets: readonly string[], purpose: SealPurpose, name: string): KeyRing {
  const all = secrets.map((secret) => ringKeyOf(secret, `tokenward browser-session v1 ${purpose} ${name}`));
  return { first: all[0]!, all };
}

function ringKeyOf(secret: string, info: string): RingKey {
  // the secrets are random and long, so a salt would add nothing (RFC 5869 s3.1)
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', info, KEY_BYTES));
  const kid = createHash('sha256').update(bytes).digest('base64url').slice(0, KID_LENGTH);
  return { kid, key: createSecretKey(bytes).toCryptoKey('AES-GCM', false, ['encrypt', 'decrypt']) };
}
