import { memoryIntrospections } from '@tokenward/core/store';
import { systemClock } from '@tokenward/core/adapter';
import { createTestClock } from '@tokenward/testing';
import { introspectionCacheSuite } from '@tokenward/testing/store-suite';
import { describe, expect, test } from 'vitest';

describe('memoryIntrospections', () => {
  introspectionCacheSuite({ test }, async () => ({ cache: memoryIntrospections(systemClock), close: async () => {} }));
});

test('rule 70: it is bounded, and the value that was used least recently is evicted', () => {
  const cache = memoryIntrospections(createTestClock(), 2);
  void cache.set('one', '1', 60);
  void cache.set('two', '2', 60);
  expect(cache.get('one')).toBe('1');
  void cache.set('three', '3', 60);
  expect(['one', 'two', 'three'].map((name) => cache.get(name))).toEqual(['1', undefined, '3']);
});

test.each([0, -1, 1.5, Number.NaN, Infinity, null, '10'])('rule 70: a cache for %s entries would not be bounded, and is refused', (maxEntries) => {
  expect(() => memoryIntrospections(systemClock, maxEntries as number)).toThrow(
    /^tokenward: memoryIntrospections\(clock, maxEntries\): must be a whole number of at least 1 \(got /,
  );
});

test.each([undefined, {}, { monotonic: () => NaN }])('a clock that has no time is refused at once: %j', (clock) => {
  expect(() => memoryIntrospections(clock as never)).toThrow(/^tokenward: memoryIntrospections\(clock\): needs the function monotonic\(\)/);
});
