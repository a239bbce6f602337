import { expect, test } from 'vitest';
import { assertLimit, assertSeconds } from './limit.js';

test.each([0, -0, -1, 60.5, Number.NaN, Infinity, null, undefined, '60', '5m', true, [60], 60n])(
  'rule 89: a time of %s seconds is none, and is refused',
  (seconds) => {
    expect(() => assertSeconds('lease(key, ttlSeconds)', seconds as number, 60)).toThrow(
      /^tokenward: lease\(key, ttlSeconds\): must be a number of seconds greater than 0, and at most 60 \(got /,
    );
  },
);

test.each([0.001, 1, 60])('takes a time of %s seconds', (seconds) => {
  expect(() => assertSeconds('lease(key, ttlSeconds)', seconds, 60)).not.toThrow();
});

test.each([0, 1.5, 101, Number.NaN, Infinity, null, undefined, '60', true, [60], 60n])('rule 70: a size of %s is none, and is refused', (size) => {
  expect(() => assertLimit('maxEntries', size as number, 100)).toThrow(/^tokenward: maxEntries: must be a whole number from 1 to 100 \(got /);
});
