import { expect, test } from 'vitest';
import { readRolesFrom, readScopes } from './names.js';

test('splits each scope text into its own names, whichever text was split before it', () => {
  const texts = ['', 'a', 'a b', ' a  b ', 'a b c', 'ab'];
  const names = [[], ['a'], ['a', 'b'], ['a', 'b'], ['a', 'b', 'c'], ['ab']];
  for (const [before, text] of texts.entries()) {
    for (const [at, next] of texts.entries()) {
      expect(readScopes(text, undefined)).toEqual(names[before]);
      expect(readScopes(next, undefined)).toEqual(names[at]);
    }
  }
});

test('returns frozen lists, since tokens with the same scopes share one', () => {
  const first = readScopes(['a', 'b'].join(' '), undefined);
  expect(first).toBe(readScopes(['a', 'b'].join(' '), undefined));
  expect(Object.isFrozen(first)).toBe(true);
});

test('rule 99: roles of one claim are the list of the token itself, and those of several are joined without duplicates', () => {
  const claims = { a: ['x', 'x'], b: ['x', 'y'] };
  expect(readRolesFrom(claims, [['a']])).toBe(claims.a);
  expect(readRolesFrom(claims, [['a'], ['b']])).toEqual(['x', 'y']);
});
