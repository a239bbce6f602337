import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { createEndShares } from './end-shares.js';

/** Returns how many of 200 ended sessions of a user get a place. */
function places(shares: ReturnType<typeof createEndShares>, subject: string): number {
  return Array.from({ length: 200 }, () => shares.take(subject)).filter(Boolean).length;
}

test('rule 171: each user has a share of the ended sessions, whatever the others do', () => {
  const shares = createEndShares(createTestClock(), 3600);
  expect(places(shares, 'alice')).toBe(100);
  expect(places(shares, 'bob')).toBe(100);
  expect(places(shares, 'alice')).toBe(0);
});

test('rule 171: a share is free again when the ended sessions are no longer remembered, and not before', () => {
  const clock = createTestClock();
  const shares = createEndShares(clock, 3600);
  clock.advance(3599);
  expect(places(shares, 'alice')).toBe(100);
  clock.advance(3600);
  expect(places(shares, 'alice')).toBe(0);
  clock.advance(3601);
  expect(places(shares, 'alice')).toBe(100);
  clock.advance(3601);
  expect(shares.take('bob')).toBe(true);
  clock.advance(100_000);
  expect(places(shares, 'alice')).toBe(100);
});

test('rule 171: many users together stay within the bound, and each keeps a place', () => {
  const shares = createEndShares(createTestClock(), 3600, { maxPerUser: 100, maxInAll: 1000, maxUsers: 2000 });
  let taken = 0;
  for (let user = 0; user < 100; user++) taken += places(shares, `user-${user}`);
  // 100 for each of the first ten, then less for each: 1000 / n for the nth
  expect(taken).toBeLessThanOrEqual(1000 * (1 + Math.log(10)));
  expect(places(shares, 'alice')).toBe(9);
  for (let user = 0; user < 3000; user++) shares.take(`visitor-${user}`);
  expect(places(shares, 'somebody new')).toBe(1);
});
