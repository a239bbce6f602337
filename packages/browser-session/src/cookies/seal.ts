import { compactDecrypt, CompactEncrypt } from 'jose';
import { createKeyRing, type SealPurpose } from './key-ring.js';
import type { Sealer } from './sealer.js';

export type { Sealer } from './sealer.js';

/** No sealed text is longer. Longer ones are refused before anything is decrypted. */
const MAX_SEALED_LENGTH = 65_536;

const ALGORITHMS = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
/**
 * `{"alg":"dir","enc":"A256GCM","kid":"..."}`, no encrypted key, a nonce of 12 bytes, the text, a tag of 16 bytes. The last characters have no spare bits set,
 * which decoders ignore: a sealed text has only one spelling.
 */
const SEALED_FORM =
  /^eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoi[\w-]{14}\.\.[\w-]{16}\.(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?\.[\w-]{21}[AQgw]$/;

/**
 * Creates a sealer: compact JWE (RFC 7516) with `dir` and `A256GCM`, and a random nonce for each text. The key depends on the purpose and the name, so a sealed
 * text opens only where it belongs.
 *
 * @param secrets the first encrypts, all decrypt
 * @param name the name of the cookie
 */
export function createSealer(secrets: readonly string[], purpose: SealPurpose, name: string): Sealer {
  const ring = createKeyRing(secrets, purpose, name);
  const header = headerOf(ring.first.kid);
  // The whole header of a sealed text must be one that this ring writes. So nothing in it is parsed before it is trusted, and no other member has an effect.
  const keys = new Map(ring.all.map(({ kid, key }) => [Buffer.from(JSON.stringify(headerOf(kid))).toString('base64url'), key]));

  return {
    seal: (text) => new CompactEncrypt(Buffer.from(text)).setProtectedHeader(header).encrypt(ring.first.key),
    async open(sealed) {
      if (!looksSealed(sealed)) return undefined;
      const key = keys.get(sealed.slice(0, sealed.indexOf('.')));
      if (!key) return undefined;
      try {
        const { plaintext } = await compactDecrypt(sealed, key, ALGORITHMS);
        return Buffer.from(plaintext).toString();
      } catch {
        // it was changed, or it was sealed with another key
        return undefined;
      }
    },
  };
}

/** Whether a text has the form of a sealed text. It says nothing about who sealed it. */
export function looksSealed(text: string): boolean {
  return text.length <= MAX_SEALED_LENGTH && SEALED_FORM.test(text);
}

function headerOf(kid: string): { readonly alg: 'dir'; readonly enc: 'A256GCM'; readonly kid: string } {
  return { alg: 'dir', enc: 'A256GCM', kid };
}
