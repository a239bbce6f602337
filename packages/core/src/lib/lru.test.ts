import { expect, test } from 'vitest';
import { createLruMap } from './lru.js';

test('a new name evicts the one that was read or set longest ago', () => {
  const map = createLruMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
});

test('a name that is there already evicts no other, and counts as used', () => {
  const map = createLruMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect(map.set('a', 3)).toBe(3);
  expect([map.size, map.get('b')]).toEqual([2, 2]);
  map.get('a');
  map.set('c', 4);
  expect([map.get('a'), map.get('b')]).toEqual([3, undefined]);
});

test('a deleted name makes room', () => {
  const map = createLruMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.delete('a');
  map.delete('unknown');
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 2, 3]);
});

test.each([0, -1, 1.5, Number.NaN, Infinity, 1e9, null, '10'])('rule 70: a map for %s entries would not be bounded, and is refused', (maxEntries) => {
  expect(() => createLruMap(maxEntries as number)).toThrow(/^tokenward: createLruMap\(maxEntries\): must be a whole number from 1 to 10000000 \(got /);
});
