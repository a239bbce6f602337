import { expect, test } from 'vitest';
import { fieldOf, hasLowerCaseNames, inLowerCase, linesOf, LOWER_CASE_NAMES } from './fields.js';

test('rule 1: returns the lines of a field under its name in any case, as a list if there are several names', () => {
  expect(fieldOf({ headers: { dpop: 'a' } }, 'dpop')).toBe('a');
  expect(fieldOf({ headers: { DPoP: 'a' } }, 'dpop')).toBe('a');
  expect(fieldOf({ headers: { dpop: 'a', DPoP: 'a' } }, 'dpop')).toEqual(['a', 'a']);
  expect(fieldOf({ headers: { DPOP: ['a'], dpop: ['b', 'c'] } }, 'dpop')).toEqual(['b', 'c', 'a']);
  expect(fieldOf({ headers: { dpop: undefined, DPoP: 'a' } }, 'dpop')).toBe('a');
  // as long as the right name, longer, and shorter
  for (const name of ['host', 'dpops', 'dpo']) expect(fieldOf({ headers: { [name]: 'b' } }, 'dpop')).toBeUndefined();
});

test('takes no field in another spelling from a prototype', () => {
  const headers = Object.create({ DPoP: 'a' }) as Record<string, string>;
  expect(fieldOf({ headers }, 'dpop')).toBeUndefined();
});

test('looks for no other spelling if a view says that its names are in lower case', () => {
  const headers = new Proxy<Record<string, string>>(
    { dpop: 'a' },
    {
      ownKeys() {
        throw new Error('the names were listed');
      },
    },
  );
  expect(fieldOf({ headers, [LOWER_CASE_NAMES]: true }, 'dpop')).toBe('a');
  expect(hasLowerCaseNames({ headers, [LOWER_CASE_NAMES]: true })).toBe(true);
  expect(() => fieldOf({ headers }, 'dpop')).toThrow('the names were listed');
});

test('returns all lines as strings, and all names in lower case', () => {
  expect(linesOf({ headers: { 'x-a': 'a', 'X-A': ['b'] } }, 'x-a')).toEqual(['a', 'b']);
  expect(linesOf({ headers: {} }, 'x-a')).toEqual([]);
  expect(inLowerCase({ 'x-a': 'a', 'X-A': 'b', Host: 'c', 'x-b': undefined })).toEqual({ 'x-a': ['a', 'b'], host: 'c' });
  expect(['x-a', 'X-A'].map((name) => hasLowerCaseNames({ headers: { [name]: 'a' } }))).toEqual([true, false]);
});
