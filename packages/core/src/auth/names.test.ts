import { expect, test } from 'vitest';
import { readScopes } from './names.js';

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
