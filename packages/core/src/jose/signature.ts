import { createHmac, timingSafeEqual, verify } from 'node:crypto';
import type { PreparedKey } from './key-set.js';
import type { CompactJws } from './compact-jws.js';

/** The key that made the signature. They come from configuration or from the issuer, bound to the token's algorithm already. */
export function signerOf(keys: readonly PreparedKey[], jws: CompactJws): PreparedKey | undefined {
  for (const prepared of keys) {
    if (jws.signature.length === prepared.signatureLength && isSignedBy(prepared, jws)) return prepared;
  }
  return undefined;
}

function isSignedBy({ kind, hash, key }: PreparedKey, { signed, signature }: CompactJws): boolean {
  if (kind === 'mac') return timingSafeEqual(createHmac(hash!, key).update(signed).digest(), signature);
  return verify(hash, signed, key, kind === 'ecdsa' ? derSignature(signature) : signature);
}

/**
 * The two numbers of an ECDSA signature (RFC 7518 s3.4: r and s, equally long) as the DER that OpenSSL takes. Node can do it too
 * (`dsaEncoding`), for a fifth more than the whole check costs. At most 139 bytes, so every length fits the forms used here.
 */
export function derSignature(signature: Buffer): Buffer {
  const half = signature.length / 2;
  const r = startOfNumber(signature, 0, half);
  const s = startOfNumber(signature, half, signature.length);
  const rLength = half - r + (signature[r]! >> 7);
  const sLength = signature.length - s + (signature[s]! >> 7);
  const bodyLength = rLength + sLength + 4;

  const der = Buffer.alloc((bodyLength > 127 ? 3 : 2) + bodyLength);
  let at = 0;
  der[at++] = 0x30;
  if (bodyLength > 127) der[at++] = 0x81;
  der[at++] = bodyLength;
  der[at++] = 0x02;
  der[at++] = rLength;
  at += rLength;
  signature.copy(der, at - (half - r), r, half);
  der[at++] = 0x02;
  der[at++] = sLength;
  signature.copy(der, der.length - (signature.length - s), s);
  return der;
}

/** Where a number's first byte that is not zero stands; its last one is kept, so that zero stays a number. */
function startOfNumber(bytes: Buffer, from: number, to: number): number {
  while (from < to - 1 && bytes[from] === 0) from++;
  return from;
}
