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

test.each([0, -1, 1.5, Number.NaN, Infinity, 1e9, null, '10'])('rule 70: a cache for %s entries would not be bounded, and is refused', (maxEntries) => {
  expect(() => memoryIntrospections(systemClock, maxEntries as number)).toThrow(
    /^tokenward: memoryIntrospections\(clock, maxEntries\): must be a whole number from 1 to 10000000 \(got /,
  );
});

test.each([undefined, {}, { monotonic: () => NaN }])('a clock that has no time is refused at once: %j', (clock) => {
  expect(() => memoryIntrospections(clock as never)).toThrow(/^tokenward: memoryIntrospections\(clock\): needs the function monotonic\(\)/);
});

test.each([0, -1, Number.NaN, Infinity, 1e20])('rule 74: a time of %s seconds has no end, or is none, and is refused', (ttlSeconds) => {
  const cache = memoryIntrospections(systemClock);
  expect(() => cache.set('a', 'b', ttlSeconds)).toThrow(
    /^tokenward: set\(name, value, ttlSeconds\): must be a number of seconds greater than 0, and at most 86400 \(got /,
  );
});
