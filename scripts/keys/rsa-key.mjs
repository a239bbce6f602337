import { createPrivateKey } from 'node:crypto';

const EXPONENT = 65_537n;

/** Returns the RSA key of two primes (RFC 8017 s3.2) in base64url. */
export function rsaKeyOf(p64, q64) {
  const [p, q] = [numberOf(p64), numberOf(q64)];
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n));
  const members = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const jwk = Object.fromEntries(Object.entries(members).map(([name, number]) => [name, textOf(number)]));
  return createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' });
}

function numberOf(base64url) {
  return BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex')}`);
}

function textOf(number) {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

/** Returns the modular inverse, by Euclid's extended algorithm. */
function inverse(number, modulus) {
  let [dividend, divisor] = [modulus, number % modulus];
  let [before, factor] = [0n, 1n];
  while (divisor !== 0n) {
    const quotient = dividend / divisor;
    [dividend, divisor] = [divisor, dividend - quotient * divisor];
    [before, factor] = [factor, before - quotient * factor];
  }
  return ((before % modulus) + modulus) % modulus;
}
