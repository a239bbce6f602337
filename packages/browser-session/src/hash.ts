import { createHash } from 'node:crypto';

/** Returns the SHA-256 hash of a text in base64url: a name of fixed length, from which nobody learns the text. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
