import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseKeySet, type PreparedKey } from './key-set.js';
import type { Algorithm } from './algorithms.js';
import type { CompactJws } from './compact-jws.js';
import { derSignature, findSigningKey } from './signature.js';

interface Curve {
  readonly algorithm: Algorithm;
  readonly name: string;
  readonly hash: string;
  /** The length of r and of s, in bytes. */
  readonly size: number;
  /** The order of the base point, an upper bound of r and s (SEC 2 s2). */
  readonly order: bigint;
}

function isSignedByOneOf(...given: Parameters<typeof findSigningKey>): boolean {
  return findSigningKey(...given) !== undefined;
}

const CURVES: readonly Curve[] = [
  { algorithm: 'ES256', name: 'P-256', hash: 'sha256', size: 32, order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  {
    algorithm: 'ES384',
    name: 'P-384',
    hash: 'sha384',
    size: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  {
    algorithm: 'ES512',
    name: 'P-521',
    hash: 'sha512',
    size: 66,
    order: BigInt(`0x1${'f'.repeat(65)}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
  },
];
const DATA = Buffer.from('eyJhbGciOiJFUzI1NiJ9.e30');

fc.configureGlobal({ seed: 28, numRuns: 1_000 });

describe.each(CURVES)('rule 28: checks $algorithm signatures as Node does', ({ algorithm, name, hash, size, order }) => {
  test('encodes r and s in DER as minimal integers', () => {
    const byte = fc.oneof(fc.constantFrom(0, 0, 0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { minLength: 2 * size, maxLength: 2 * size }), fc.nat(size), fc.nat(size), (bytes, zerosOfR, zerosOfS) => {
        const signature = Buffer.from(bytes)
          .fill(0, 0, zerosOfR)
          .fill(0, size, size + zerosOfS);
        expect(derSignature(signature).toString('hex')).toBe(sequenceOf(numberAt(signature, 0, size), numberAt(signature, size, 2 * size)));
      }),
    );
  });

  test('accepts every signature that Node creates, including those with a short r or s', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: name });
    const key = prepared(publicKey, algorithm);
    let short = 0;
    // one signature in 128 has a short r or s (for P-521, most have), so only a broken random source reaches the bound
    for (let round = 0; round < 5_000 && (round < 40 || short === 0); round++) {
      const signature = sign(hash, DATA, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const isShort = signature[0] === 0 || signature[size] === 0;
      if (isShort) short++;
      else if (round >= 40) continue;
      expect(verify(hash, DATA, publicKey, derSignature(signature))).toBe(true);
      expect(isSignedByOneOf([key], jwsOf(DATA, signature))).toBe(true);
    }
    expect(short).toBeGreaterThan(0);
  });

  test('refuses a changed signature, as Node does', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: name });
    const key = prepared(publicKey, algorithm);
    const good = sign(hash, DATA, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const number = fc.constantFrom(0n, 1n, 2n, order - 1n, order, order + 1n, 2n ** BigInt(8 * size) - 1n, 2n ** BigInt(8 * size - 1));
    const changed = fc.oneof(
      fc.tuple(fc.nat(2 * size - 1), fc.nat(7)).map(([at, bit]) => flipped(good, at, bit)),
      fc.tuple(number, number).map(([r, s]) => Buffer.concat([bytesOf(r, size), bytesOf(s, size)])),
      number.map((r) => Buffer.concat([bytesOf(r, size), good.subarray(size)])),
      number.map((s) => Buffer.concat([good.subarray(0, size), bytesOf(s, size)])),
    );
    fc.assert(
      fc.property(changed, (signature) => {
        const verdict = verify(hash, DATA, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
        expect(isSignedByOneOf([key], jwsOf(DATA, signature))).toBe(verdict);
        expect(verdict).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  test('accepts n - s in place of s, and refuses n + s where it fits (P-521)', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: name });
    const good = sign(hash, DATA, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const s = numberAt(good, size, 2 * size);
    const twin = Buffer.concat([good.subarray(0, size), bytesOf(order - s, size)]);
    expect(isSignedByOneOf([prepared(publicKey, algorithm)], jwsOf(DATA, twin))).toBe(true);
    if (size === 66) {
      const shifted = Buffer.concat([good.subarray(0, size), bytesOf(order + s, size)]);
      expect(isSignedByOneOf([prepared(publicKey, algorithm)], jwsOf(DATA, shifted))).toBe(false);
    }
  });

  test('refuses a signature of another length or in DER', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: name });
    const key = prepared(publicKey, algorithm);
    const good = sign(hash, DATA, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const wrong = [
      Buffer.alloc(0),
      Buffer.alloc(1),
      good.subarray(1),
      good.subarray(0, -1),
      good.subarray(0, -2),
      Buffer.concat([good, Buffer.alloc(2)]),
      Buffer.concat([Buffer.alloc(1), good.subarray(0, size), Buffer.alloc(1), good.subarray(size)]),
      sign(hash, DATA, privateKey),
      derSignature(good),
    ];
    for (const signature of wrong) expect(isSignedByOneOf([key], jwsOf(DATA, signature))).toBe(false);
  });
});

describe('rule 26: checks the padding, hash and length of RSA signatures', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  test.each([
    ['PS256', 'sha256', 32],
    ['PS384', 'sha384', 48],
    ['PS512', 'sha512', 64],
  ] as const)('accepts a %s signature only if its salt is as long as its hash', (algorithm, hash, own) => {
    const key = prepared(publicKey, algorithm);
    for (const saltLength of [0, 20, own - 1, own, own + 1]) {
      const signature = sign(hash, DATA, { key: privateKey, padding: 6, saltLength });
      expect(isSignedByOneOf([key], jwsOf(DATA, signature))).toBe(saltLength === own);
    }
  });

  test('refuses a PKCS #1 signature for PSS, a PSS signature for PKCS #1, and a signature with another hash', () => {
    const pkcs1 = sign('sha256', DATA, privateKey);
    const pss = sign('sha256', DATA, { key: privateKey, padding: 6, saltLength: 32 });
    expect(isSignedByOneOf([prepared(publicKey, 'RS256')], jwsOf(DATA, pkcs1))).toBe(true);
    expect(isSignedByOneOf([prepared(publicKey, 'PS256')], jwsOf(DATA, pss))).toBe(true);
    expect(isSignedByOneOf([prepared(publicKey, 'PS256')], jwsOf(DATA, pkcs1))).toBe(false);
    expect(isSignedByOneOf([prepared(publicKey, 'RS256')], jwsOf(DATA, pss))).toBe(false);
    expect(isSignedByOneOf([prepared(publicKey, 'RS384')], jwsOf(DATA, pkcs1))).toBe(false);
  });

  test('refuses a signature that is shorter or longer than the key', () => {
    const key = prepared(publicKey, 'RS256');
    for (const length of [0, 1, 255, 257]) expect(isSignedByOneOf([key], jwsOf(DATA, Buffer.alloc(length)))).toBe(false);
  });
});

test('accepts a signature by any of several keys, and refuses it if there are no keys', () => {
  const pairs = Array.from({ length: 3 }, () => generateKeyPairSync('ed25519'));
  const keys = pairs.map(({ publicKey }) => prepared(publicKey, 'EdDSA'));
  for (const { privateKey } of pairs) expect(isSignedByOneOf(keys, jwsOf(DATA, sign(null, DATA, privateKey)))).toBe(true);
  const signature = sign(null, DATA, pairs[0]!.privateKey);
  expect(isSignedByOneOf(keys.slice(1), jwsOf(DATA, signature))).toBe(false);
  expect(isSignedByOneOf([], jwsOf(DATA, signature))).toBe(false);
  expect(isSignedByOneOf(keys, jwsOf(Buffer.concat([DATA, Buffer.of(0)]), signature))).toBe(false);
});

function prepared(publicKey: KeyObject, algorithm: Algorithm): PreparedKey {
  const [key] = parseKeySet({ keys: [publicKey.export({ format: 'jwk' })] }, [algorithm], 1).candidates(algorithm, undefined);
  return key!;
}

function jwsOf(signed: Buffer, signature: Buffer): CompactJws {
  return { header64: '', header: { algorithm: '', keyId: undefined, type: undefined }, signed: signed.toString('latin1'), payload: Buffer.alloc(0), signature };
}

/** A SEQUENCE of two INTEGERs (X.690 s8.3, s8.9), in hexadecimal. */
function sequenceOf(r: bigint, s: bigint): string {
  const body = integer(r) + integer(s);
  return `30${lengthOf(body)}${body}`;
}

function integer(value: bigint): string {
  let hex = value.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (Number.parseInt(hex.slice(0, 2), 16) > 0x7f) hex = `00${hex}`;
  return `02${lengthOf(hex)}${hex}`;
}

function lengthOf(hex: string): string {
  const bytes = hex.length / 2;
  return (bytes > 0x7f ? '81' : '') + bytes.toString(16).padStart(2, '0');
}

function numberAt(bytes: Buffer, from: number, to: number): bigint {
  return BigInt(`0x${bytes.toString('hex', from, to)}`);
}

function bytesOf(value: bigint, size: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex');
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = changed[at]! ^ (1 << bit);
  return changed;
}
