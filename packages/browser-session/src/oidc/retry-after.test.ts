import { expect, test } from 'vitest';
import { retryAfterOf } from './retry-after.js';

const NOW_MS = Date.parse('2026-11-28T12:00:00Z');

test.each([
  ['30', 30],
  [' 1 ', 1],
  ['Sat, 28 Nov 2026 12:00:40 GMT', 40],
])('rule 130: reads Retry-After: %s', (value, seconds) => {
  expect(retryAfterOf({ headers: new Headers({ 'retry-after': value }) }, NOW_MS)).toBe(seconds);
});

test.each(['', '0', '-5', '1.5', '1e3', 'soon', '9999999999999999', 'Sat, 28 Nov 2026 11:59:59 GMT', 'Sat, 99 Xyz 2026 12:00:40 GMT', '2026-11-28T12:00:40Z'])(
  'rule 130: ignores Retry-After: "%s"',
  (value) => {
    expect(retryAfterOf({ headers: new Headers({ 'retry-after': value }) }, NOW_MS)).toBeUndefined();
  },
);

test('rule 130: a response without Retry-After asks for nothing', () => {
  expect(retryAfterOf({ headers: new Headers() }, NOW_MS)).toBeUndefined();
});
