import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from './algorithms.js';
import { parseKeySet } from './key-set.js';

type AnyJwk = Record<string, unknown>;

const RSA = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const EC = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const ED = jwkOf(generateKeyPairSync('ed25519'));

describe('rule 25: checks the size and the exponent of an RSA key', () => {
  test.each([2048, 2056, 3072, 4096, 8192])('uses a key of %i bits', (bits) => {
    expect(parseKeySet({ keys: [rsaOf(bits)] }, ['RS256'], 1).candidates('RS256', undefined)).toMatchObject([{ signatureLength: Math.ceil(bits / 8) }]);
  });

  test.each([512, 1024, 2047])('refuses a key of %i bits as too small', (bits) => {
    expect(() => parseKeySet({ keys: [rsaOf(bits)] }, ALGORITHMS, 1)).toThrow(`is an RSA key of ${bits} bits, fewer than 2048`);
  });

  test.each([8193, 8200, 16_384])('refuses a key of %i bits as too large', (bits) => {
    expect(() => parseKeySet({ keys: [rsaOf(bits)] }, ALGORITHMS, 1)).toThrow(
      /is an RSA key (?:of \d+ bits, more than 8192|whose modulus or exponent is missing or too large)/,
    );
  });

  test.each(['n', 'e'])('refuses a key with a huge %s within half a second', (name) => {
    const began = performance.now();
    expect(() => parseKeySet({ keys: [{ ...RSA, [name]: asBase64url(randomBytes(400_000)) }] }, ALGORITHMS, 1)).toThrow(
      'modulus or exponent is missing or too large',
    );
    expect(performance.now() - began).toBeLessThan(500);
  });

  test('does not count leading zeros in the size of a modulus', () => {
    const padded = Buffer.concat([Buffer.alloc(128), Buffer.from(rsaOf(1024)['n'] as string, 'base64url')]).toString('base64url');
    expect(() => parseKeySet({ keys: [{ kty: 'RSA', n: padded, e: 'AQAB' }] }, ALGORITHMS, 1)).toThrow('of 1024 bits');
  });

  test.each([
    ['0', '00'],
    ['1', '01'],
    ['2', '02'],
    ['an even number', '010000'],
    ['33 bits long', '0100000001'],
    ['as large as the modulus', 'ff'.repeat(255)],
  ])('skips a key whose exponent is %s', (_name, hex) => {
    const { remarks } = parseKeySet({ keys: [{ ...RSA, e: Buffer.from(hex, 'hex').toString('base64url') }, ED] }, ALGORITHMS, 2);
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toMatch(/unusual public exponent|cannot be imported|too large/);
  });

  test.each(['03', '11', '010001', 'ffffffff'])('uses a key with the exponent 0x%s', (hex) => {
    expect(parseKeySet({ keys: [{ ...RSA, e: Buffer.from(hex, 'hex').toString('base64url') }] }, ALGORITHMS, 1).remarks).toEqual([]);
  });
});

describe('rule 26: skips an Ed25519 key whose point has a small order', () => {
  const encodings = smallOrderEncodings();

  test('this test covers all 14 encodings of these points', () => {
    expect(new Set(encodings).size).toBe(14);
  });

  test.each(encodings)('skips the point %s', (hex) => {
    for (const spell of [
      asBase64url,
      (bytes: Buffer) => bytes.toString('base64'),
      (bytes: Buffer) => ` ${asBase64url(bytes)}\n`,
      (bytes: Buffer) => `${asBase64url(bytes)}AAAA`,
    ]) {
      const { size, remarks } = parseKeySet({ keys: [{ ...ED, x: spell(Buffer.from(hex, 'hex')) }, EC] }, ALGORITHMS, 2);
      expect(size).toBe(1);
      expect(remarks[0]).toMatch(/low-order|cannot be imported/);
    }
    expect(() => parseKeySet({ keys: [{ ...ED, x: asBase64url(Buffer.from(hex, 'hex')) }] }, ALGORITHMS, 1)).toThrow('low-order');
  });
});

function jwkOf({ publicKey }: { readonly publicKey: KeyObject }): AnyJwk {
  return publicKey.export({ format: 'jwk' });
}

/** Returns an RSA key with a random modulus. Nobody knows its factors, and OpenSSL does not check them. */
function rsaOf(bits: number): AnyJwk {
  const modulus = randomBytes(Math.ceil(bits / 8));
  const top = (bits - 1) % 8;
  modulus[0] = (modulus[0]! & (2 ** (top + 1) - 1)) | (1 << top);
  modulus[modulus.length - 1]! |= 1;
  return { kty: 'RSA', n: asBase64url(modulus), e: 'AQAB' };
}

function asBase64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

/**
 * Returns every string of 32 bytes that decodes to a point of small order on Ed25519 (RFC 8032 s5.1), computed from the curve: -x^2 + y^2 =
 * 1 + d x^2 y^2. The order divides 8 when y is 0, 1 or -1, or when doubling gives y = 0, so when x^2 = -y^2.
 */
function smallOrderEncodings(): string[] {
  const p = 2n ** 255n - 19n;
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n;
    for (let b = base % p, e = exponent; e > 0n; e >>= 1n, b = (b * b) % p) if (e & 1n) result = (result * b) % p;
    return result;
  };
  const root = (square: bigint): bigint | undefined => {
    const candidate = power(square, (p + 3n) / 8n);
    return [candidate, (candidate * power(2n, (p - 1n) / 4n)) % p].find((value) => (value * value - square) % p === 0n);
  };
  const d = ((p - 121665n) * power(121666n, p - 2n)) % p;
  // with x^2 = -y^2 the curve equation is 2 y^2 = 1 - d y^4, a quadratic equation in y^2
  const discriminant = root((1n + d) % p)!;
  const squares = [p - 1n + discriminant, 2n * p - 1n - discriminant].map((numerator) => (numerator * power(d, p - 2n)) % p);
  const ofOrderEight = squares.flatMap((square) => root(square) ?? []).flatMap((y) => [y, p - y]);
  const canonical = [0n, 1n, p - 1n, ...ofOrderEight];
  const all = [...canonical, ...canonical.map((y) => y + p).filter((y) => y < 2n ** 255n)];
  return all.flatMap((y) => [y, y + 2n ** 255n]).map((number) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse().toString('hex'));
}
