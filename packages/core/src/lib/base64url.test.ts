import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase64url } from './base64url.js';

fc.configureGlobal({ seed: 9, numRuns: 3_000 });

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

test('rule 9: decodes canonical text as Node does, and refuses any other text', () => {
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(anyText(), (text) => {
      const bytes = decodeBase64url(text);
      expect(bytes !== undefined).toBe(isCanonical(text));
      if (bytes) expect(bytes).toEqual(Buffer.from(standardAlphabet(text), 'base64'));
      seen[bytes ? 'read' : 'refused']++;
    }),
  );
  expect(seen.read).toBeGreaterThan(500);
  expect(seen.refused).toBeGreaterThan(500);
});

test('rule 9: decodes what Node encodes, for all bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
      expect(decodeBase64url(Buffer.from(bytes).toString('base64url'))).toEqual(Buffer.from(bytes));
    }),
  );
});

test('rule 9: accepts only the canonical one of the 16 spellings that Node decodes to a byte', () => {
  for (let byte = 0; byte < 256; byte++) {
    const spellings = [...ALPHABET].map((last) => ALPHABET[byte >> 2]! + last).filter((text) => Buffer.from(text, 'base64url')[0] === byte);
    expect(spellings).toHaveLength(16);
    expect(spellings.filter((text) => decodeBase64url(text) !== undefined)).toEqual([Buffer.of(byte).toString('base64url')]);
  }
});

test.each([
  ['an empty string', ''],
  ['a lone character', 'A'],
  ['an impossible length', 'AAAAA'],
  ['padding', 'QQ=='],
  ['only padding', '='],
  ['the standard alphabet (+)', '-_8+'],
  ['the standard alphabet (/)', '-_8/'],
  ['a leading space', ' QUFB'],
  ['a trailing space', 'QUFB '],
  ['a line break inside', 'QU\nFB'],
  ['a trailing line break', 'QUFB\n'],
  ['a NUL', 'QUF\0'],
  ['a dot', 'QU.B'],
  ['spare bits in the second character', 'QR'],
  ['spare bits in the third character', 'QUF'],
  ['a letter that only looks Latin', 'QUF\u0412'],
  ['a letter whose low byte is in the alphabet', 'QUF\u0142'],
  ['half of a surrogate pair', 'QUF\ud800'],
  ['a full-width letter', 'QUF\uff22'],
])('rule 9: refuses %s', (_name, text) => {
  expect(decodeBase64url(text)).toBeUndefined();
});

/** A second implementation of RFC 4648 s5 and s3.5, to compare with. */
function isCanonical(text: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return false;
  const spareValues = [1, undefined, 16, 4][text.length % 4];
  return spareValues !== undefined && ALPHABET.indexOf(text.at(-1)!) % spareValues === 0;
}

function standardAlphabet(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '/');
}

/** Canonical texts, canonical texts with one changed character, and texts of a larger alphabet. */
function anyText(): fc.Arbitrary<string> {
  const good = fc.constantFrom(...ALPHABET);
  const any = fc.oneof({ weight: 6, arbitrary: good }, fc.constantFrom(...'+/= \n\t\0.\u00e9\u0141\u0142\ud800'), fc.string({ minLength: 1, maxLength: 1 }));
  const canonical = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
  const changed = fc.tuple(canonical, fc.nat(), any).map(([text, at, character]) => {
    const index = text.length === 0 ? 0 : at % text.length;
    return text.slice(0, index) + character + text.slice(index + 1);
  });
  return fc.oneof(canonical, changed, fc.string({ unit: good, maxLength: 20 }), fc.string({ unit: any, maxLength: 12 }));
}
