import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { parseStrictObject, own, type JsonObject } from '../lib/json.js';
import { isNumericDate } from '../lib/numeric-date.js';

/** An answer about an active token. */
export interface ActiveAnswer {
  readonly claims: JsonObject;
  /** When the introspection request was sent, in seconds since the epoch. */
  readonly askedAt: number;
}

/** Seals answers for a store that other processes and other people can read and write. */
export interface AnswerSealer {
  seal(name: string, token: string, answer: ActiveAnswer): string;
  /** Returns undefined if the text was not sealed here for this name and token: changed, moved, or with another secret. */
  open(name: string, token: string, sealed: unknown): ActiveAnswer | undefined;
}

/** The name of a token in caches: a hash of the endpoint, the client and the whole token (rule 74). */
export function answerName(identity: string, token: string): string {
  return createHash('sha256').update(identity).update('\n').update(token).digest('base64url');
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** No answer that fits into the limit of answers is longer when it is sealed. */
const MAX_SEALED_LENGTH = 131_000;

/**
 * Creates a sealer (AES-256-GCM). The key comes from the secret and from the token, so a copy of the store reveals nothing to somebody without the token, not even
 * a weak secret, and nobody without the secret can add an answer.
 */
export function createAnswerSealer(secret: string): AnswerSealer {
  function keyOf(token: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', secret, createHash('sha256').update(token).digest(), 'tokenward introspection answer 1', 32));
  }

  return {
    seal(name, token, { claims, askedAt }) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, keyOf(token), nonce).setAAD(Buffer.from(name));
      const sealed = Buffer.concat([cipher.update(JSON.stringify({ askedAt, claims })), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
    },
    open(name, token, sealed) {
      if (typeof sealed !== 'string' || sealed.length > MAX_SEALED_LENGTH) return undefined;
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv(CIPHER, keyOf(token), bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const opened = parseStrictObject(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
        const claims = opened && own(opened, 'claims');
        const askedAt = opened && own(opened, 'askedAt');
        return isNumericDate(askedAt) && typeof claims === 'object' && claims !== null ? { claims: claims as JsonObject, askedAt } : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
