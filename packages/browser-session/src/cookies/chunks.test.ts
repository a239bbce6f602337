import fc from 'fast-check';
import { expect, test } from 'vitest';
import { headerAfter } from '../../test/cookie-jar.js';
import { chunkCount, deleteChunks, MAX_CHUNKED_LENGTH, MAX_CHUNKS, readChunks, writeChunks } from './chunks.js';
import { cookiesOf } from './cookie-header.js';

const NAME = '__Host-session';
const COOKIE = { name: NAME, sameSite: 'Strict' } as const;
const TEXT = fc.integer({ min: 0, max: 10_000 }).map((length) => textOf(length));

/** Returns a text whose parts differ. */
function textOf(length: number): string {
  return Array.from({ length: Math.ceil(length / 6) }, (_value, at) => `${at}_____`.slice(0, 6))
    .join('')
    .slice(0, length);
}

function write(text: string, former = 1): readonly string[] {
  return writeChunks(COOKIE, text, 60, former)!;
}

function read(header: string): string | undefined {
  return readChunks(header, NAME);
}

test('cookie too large for the proxy: any text is read as it was written, in chunks of at most 3800 bytes and 10 KiB in all', () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      const header = headerAfter(write(text));
      const lengths = [...cookiesOf(header)].map(([name, value]) => name.length + value.length);
      expect(read(header)).toBe(text);
      expect(lengths.length).toBe(chunkCount(NAME, text));
      expect(Math.max(...lengths)).toBeLessThanOrEqual(3800);
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(MAX_CHUNKED_LENGTH);
    }),
  );
});

test('cookie too large for the proxy: a longer text is not written', () => {
  expect(writeChunks(COOKIE, textOf(10_300), 60, 1)).toBeUndefined();
  expect(writeChunks(COOKIE, textOf(100_000), 60, 1)).toBeUndefined();
});

test('rule 122: chunks that are left over from a longer text are deleted', () => {
  fc.assert(
    fc.property(TEXT, TEXT, (before, after) => {
      const header = headerAfter(write(before));
      const lines = write(after, chunkCount(NAME, before));
      const next = headerAfter(lines, header);
      expect(read(next)).toBe(after);
      expect(cookiesOf(next).size).toBe(chunkCount(NAME, after));
      expect(lines.every((line) => line.endsWith('; Secure; HttpOnly; SameSite=Strict'))).toBe(true);
    }),
  );
});

test('rule 122: a deletion deletes all chunks that the request showed, and no other cookie', () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      const header = headerAfter(write(text), 'theme=dark; __Host-session.9=x; __Host-session-2=y');
      const lines = deleteChunks(COOKIE, header);
      expect(headerAfter(lines, header)).toBe('theme=dark; __Host-session.9=x; __Host-session-2=y');
      expect(lines.length).toBe(chunkCount(NAME, text));
    }),
  );
  expect(deleteChunks(COOKIE, undefined)).toEqual(['__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict']);
});

test.each(['99999.x', '0.x', '4.x', '9.x', '-1.x', '1', '', '.', 'x', '1,x', '2.x', '3.x', 'NaN.x', '1e9.x', '__proto__'])(
  'rule 134: a cookie %j is none',
  (value) => {
    expect(read(`${NAME}=${value}`)).toBeUndefined();
  },
);

test('rule 134: a chunk that is missing, too long, or one too many for 10 KiB makes the cookie none', () => {
  const header = headerAfter(write(textOf(9000)));
  expect(cookiesOf(header).size).toBe(3);
  expect(read(header.replace('__Host-session.1=', '__Host-session.7='))).toBeUndefined();
  expect(read(`${NAME}=2.a; ${NAME}.1=${'x'.repeat(3800)}`)).toBeUndefined();
  expect(read(`${NAME}=1.${'x'.repeat(3800)}`)).toBeUndefined();
  const full = Array.from({ length: MAX_CHUNKS }, (_value, at) => `${NAME}${at ? `.${at}` : ''}=${at ? '' : '3.'}${'x'.repeat(3700)}`).join('; ');
  expect(read(full)).toBeUndefined();
});

test('rule 134: any cookies are read without an error', () => {
  const values = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.tuple(fc.nat(12), fc.string({ maxLength: 20 })).map(([count, text]) => `${count}.${text}`),
  );
  const cookies = fc.array(fc.tuple(fc.constantFrom(NAME, `${NAME}.1`, `${NAME}.2`, `${NAME}.5`, `${NAME}.-1`), values));
  fc.assert(
    fc.property(cookies, (all) => {
      const header = all.map(([name, value]) => `${name}=${value}`).join('; ');
      expect(typeof read(header)).toMatch(/^(string|undefined)$/);
    }),
  );
});
