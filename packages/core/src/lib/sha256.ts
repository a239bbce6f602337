import crypto from 'node:crypto';

/** Not every runtime has the shorter way. */
const { hash } = crypto as { readonly hash?: typeof crypto.hash };

/** Returns the SHA-256 of a text, in base64url. */
export const sha256: (text: string) => string = hash
  ? (text) => hash('sha256', text, 'base64url')
  : (text) => crypto.createHash('sha256').update(text).digest('base64url');
