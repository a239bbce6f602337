import { createHmac, timingSafeEqual } from 'node:crypto';
import { verifyBy } from './pss.js';
import type { PreparedKey } from './key-set.js';
import type { CompactJws } from './compact-jws.js';

/** Returns the key that verifies the signature. All keys must be for the token's algorithm. */
export function findSigningKey(keys: readonly PreparedKey[], jws: CompactJws): PreparedKey | undefined {
  for (const prepared of keys) {
    if (jws.signature.length === prepared.signatureLength && isSignedBy(prepared, jws)) return prepared;
  }
  return undefined;
}

function isSignedBy({ kind, hash, key, input }: PreparedKey, { signed, signature }: CompactJws): boolean {
  if (kind === 'mac') return timingSafeEqual(createHmac(hash!, key).update(signed, 'latin1').digest(), signature);
  return kind === 'ecdsa' ? verifyBy('streamed', hash, signed, input, derSignature(signature)) : verifyBy(kind, hash, signed, input, signature);
}

/**
 * Converts an ECDSA signature (RFC 7518 s3.4: r and s, equally long) to the DER that OpenSSL takes. Node's option `dsaEncoding` does the same, but
 * makes the verification slower by a fifth. The result has at most 139 bytes, so one or two length bytes are enough.
 */
export function derSignature(signature: Buffer): Buffer {
  const half = signature.length / 2;
  const r = startOfNumber(signature, 0, half);
  const s = startOfNumber(signature, half, signature.length);
  const rLength = half - r + (signature[r]! >> 7);
  const sLength = signature.length - s + (signature[s]! >> 7);
  const bodyLength = rLength + sLength + 4;

  // every byte is written
  const der = Buffer.allocUnsafe((bodyLength > 127 ? 3 : 2) + bodyLength);
  let at = 0;
  der[at++] = 0x30;
  if (bodyLength > 127) der[at++] = 0x81;
  der[at++] = bodyLength;
  der[at++] = 0x02;
  der[at++] = rLength;
  if (rLength > half - r) der[at++] = 0;
  at += signature.copy(der, at, r, half);
  der[at++] = 0x02;
  der[at++] = sLength;
  if (sLength > signature.length - s) der[at++] = 0;
  signature.copy(der, at, s);
  return der;
}

/** Returns the index of a number's first byte that is not zero. The last byte always counts, so that zero keeps one byte. */
function startOfNumber(bytes: Buffer, from: number, to: number): number {
  while (from < to - 1 && bytes[from] === 0) from++;
  return from;
}
