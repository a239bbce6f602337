import { inspect } from 'node:util';
import fc from 'fast-check';
import { base64url, CompactEncrypt } from 'jose';
import { describe, expect, test } from 'vitest';
import { createKeyRing } from './key-ring.js';
import { createSealer, looksSealed } from './seal.js';

const OLD = 'an old secret of 32 characters...';
const NEW = 'a new secret of 32 characters....';
const sealer = createSealer([OLD], 'session', '__Host-session');
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

test('opens what it sealed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 2000 }), async (text) => {
      expect(await sealer.open(await sealer.seal(text))).toBe(text);
    }),
  );
});

test('rule 132: the nonce is random: no text is sealed in the same way twice', async () => {
  const sealed = await Promise.all(Array.from({ length: 100 }, () => sealer.seal('text')));
  expect(new Set(sealed.map((one) => one.split('.')[2])).size).toBe(100);
});

test('rule 132: opens nothing that was changed in any character', async () => {
  const sealed = await sealer.seal('{"i":"1"}');
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.length - 1), fc.constantFrom(...BASE64URL), async (at, character) => {
      const changed = `${sealed.slice(0, at)}${character}${sealed.slice(at + 1)}`;
      fc.pre(changed !== sealed);
      expect(await sealer.open(changed)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('rule 132: opens nothing that was cut, extended, or put together from two texts', async () => {
  const [one, other] = [await sealer.seal('a'.repeat(500)), await sealer.seal('b'.repeat(500))];
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: one.length - 1 }), async (at) => {
      for (const text of [one.slice(0, at), one.slice(at), `${one}${one.slice(-at)}`, `${one.slice(0, at)}${other.slice(at)}`])
        if (text !== one && text !== other) expect(await sealer.open(text)).toBeUndefined();
    }),
  );
});

test('rule 132: opens nothing that was sealed for another purpose or another cookie', async () => {
  for (const other of [
    createSealer([OLD], 'login', '__Host-session'),
    createSealer([OLD], 'store', '__Host-session'),
    createSealer([OLD], 'session', '__Host-s'),
  ])
    expect(await sealer.open(await other.seal('{}'))).toBeUndefined();
});

test('any text is opened without an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary-ascii', maxLength: 300 }), async (text) => {
      expect(await sealer.open(text)).toBeUndefined();
    }),
  );
});

describe('rule 132: opens nothing whose header is not exactly its own', () => {
  const { first } = createKeyRing([OLD], 'session', '__Host-session');
  const content = new TextEncoder().encode('{}');

  test.each([
    { alg: 'dir', enc: 'A256GCM' },
    { enc: 'A256GCM', alg: 'dir', kid: first.kid },
    { alg: 'dir', enc: 'A256GCM', kid: first.kid, typ: 'JWT' },
    { alg: 'dir', enc: 'A256GCM', kid: 'abcdefgh' },
  ])('%j', async (header) => {
    expect(await sealer.open(await new CompactEncrypt(content).setProtectedHeader(header).encrypt(first.key))).toBeUndefined();
  });

  test('the same with its own header opens', async () => {
    const header = { alg: 'dir', enc: 'A256GCM', kid: first.kid };
    expect(await sealer.open(await new CompactEncrypt(content).setProtectedHeader(header).encrypt(first.key))).toBe('{}');
  });

  test('alg none', async () => {
    expect(await sealer.open(`${base64url.encode('{"alg":"none"}')}..AAAAAAAAAAAAAAAA.e30.AAAAAAAAAAAAAAAAAAAAAA`)).toBeUndefined();
  });
});

describe('rule 133: the key ring', () => {
  const rotated = createSealer([NEW, OLD], 'session', '__Host-session');
  const onlyNew = createSealer([NEW], 'session', '__Host-session');

  test('an old secret opens, the first one seals', async () => {
    expect(await rotated.open(await sealer.seal('text'))).toBe('text');
    expect(await onlyNew.open(await rotated.seal('text'))).toBe('text');
    expect(await sealer.open(await rotated.seal('text'))).toBeUndefined();
  });

  test('what was sealed with a removed secret does not open', async () => {
    const sealed = await sealer.seal('text');
    expect(await onlyNew.open(sealed)).toBeUndefined();
    expect(looksSealed(sealed)).toBe(true);
  });

  test('a key shows neither itself nor the secret', () => {
    const ring = createKeyRing([OLD, NEW], 'session', '__Host-session');
    expect(ring.first.key.extractable).toBe(false);
    expect(`${inspect(ring, { depth: 9, showHidden: true })}${JSON.stringify(ring)}`).not.toMatch(/secret of/);
    expect(new Set(ring.all.map(({ kid }) => kid)).size).toBe(2);
  });
});

test('rule 134: a giant text costs nothing', async () => {
  const sealed = await sealer.seal('x'.repeat(60_000));
  expect(sealed.length).toBeGreaterThan(65_536);
  expect(looksSealed(sealed)).toBe(false);
  expect(await sealer.open(sealed)).toBeUndefined();
});
