import type { KeyObject } from 'node:crypto';

/** Returns why a public key is too weak, in words that follow its name, or undefined. */
export function weaknessOf(key: KeyObject): string | undefined {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < 2048) return `is an RSA key of ${modulusLength} bits, fewer than 2048 (RFC 7518 s3.3)`;
  if (modulusLength !== undefined && modulusLength > 8192)
    return `is an RSA key of ${modulusLength} bits, more than 8192: each verification would cost too much`;
  if (publicExponent !== undefined && (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent > 0xffffffffn)) {
    return 'is an RSA key with an unusual public exponent';
  }
  if (key.asymmetricKeyType === 'rsa' && hasRocaWeakness(BigInt(`0x${bytesOf(key, 'n').toString('hex')}`))) {
    return 'is an RSA key whose private part can be computed from it (ROCA, CVE-2017-15361). Replace it at the issuer';
  }
  if (key.asymmetricKeyType === 'ed25519' && isLowOrder(bytesOf(key, 'x'))) {
    return 'is a low-order point, for which anyone can sign (RFC 8032 s5.1.7)';
  }
  return undefined;
}

function bytesOf(key: KeyObject, member: 'n' | 'x'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[member]!, 'base64url');
}

/** The y-coordinates of Ed25519's low-order points, in canonical and other encodings, with the sign bit cleared. */
const LOW_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isLowOrder(point: Buffer): boolean {
  point[31] = point[31]! & 0x7f;
  return LOW_ORDER.has(point.toString('hex'));
}

/** The primes of the product M that all key sizes share (Nemec and others, "The Return of Coppersmith's Attack", 2017, s2). */
const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163,
  167,
];

/**
 * Whether a faulty library generated the key. Its primes are k M + 65537^a mod M, so the modulus is a power of 65537 modulo each prime of M. The
 * chance for any other modulus is less than one in a hundred million.
 */
function hasRocaWeakness(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => powersOf65537(prime).has(Number(modulus % BigInt(prime))));
}

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power);
  return powers;
}
