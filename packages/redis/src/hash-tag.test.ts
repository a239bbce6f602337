import { expect, test } from 'vitest';
import { slotOf } from './clients.js';
import { hashTagged } from './hash-tag.js';

test.each(['app', '{app}', 'a{b}', 'a{}b{c}', '{}', 'a}{b}'])('all keys with the prefix %s are in one slot of a cluster', (prefix) => {
  const [one, other] = ['records', 'stream'].map((name) => `${hashTagged(prefix)}:${name}`);
  // as Redis does: the text in the first braces, unless it is empty
  const tagOf = (key: string): string => /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key;
  expect(tagOf(one!)).toBe(tagOf(other!));
  expect(slotOf(one!)).toBe(slotOf(tagOf(one!)));
});
