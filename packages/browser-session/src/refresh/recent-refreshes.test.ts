import { expect, test } from 'vitest';
import { sessionState } from '../../test/session-state.js';
import { createRecentRefreshes } from './recent-refreshes.js';

function setUp() {
  let now = 0;
  const recent = createRecentRefreshes({ monotonic: () => now });
  return { recent, advance: (seconds: number) => void (now += seconds * 1000) };
}

const first = sessionState();
const second = { ...first, version: 2 };
const third = { ...first, version: 3 };
const RESULT = { state: second, setCookies: ['second'] };
const NEXT_RESULT = { state: third, setCookies: ['third'] };

test('a request with the cookie from before the refresh gets its result, for as long as no browser has shown the new cookie', () => {
  const { recent, advance } = setUp();
  expect(recent.newerThan(first)).toBeUndefined();
  recent.add(first, RESULT);
  advance(100_000);
  expect(recent.newerThan(first)).toBe(RESULT);
  expect(recent.newerThan(second)).toBeUndefined();
});

test('30 s after a browser has shown the new cookie, the old one gets nothing', () => {
  const { recent, advance } = setUp();
  recent.add(first, RESULT);
  recent.newerThan(second);
  advance(29);
  expect(recent.newerThan(first)).toBe(RESULT);
  // showing it again makes the time no longer
  recent.newerThan(second);
  advance(1);
  expect(recent.newerThan(first)).toBeUndefined();
});

test('a second refresh gives the newest result to all cookies that are not known to be replaced', () => {
  const { recent, advance } = setUp();
  recent.add(first, RESULT);
  recent.add(second, NEXT_RESULT);
  expect(recent.newerThan(first)).toBe(NEXT_RESULT);
  expect(recent.newerThan(second)).toBe(NEXT_RESULT);
  expect(recent.newerThan(third)).toBeUndefined();
  advance(31);
  expect(recent.newerThan(second)).toBeUndefined();
});

test('a second refresh does not bring back a cookie that was replaced long ago', () => {
  const { recent, advance } = setUp();
  recent.add(first, RESULT);
  recent.newerThan(second);
  advance(31);
  recent.add(second, NEXT_RESULT);
  expect(recent.newerThan(first)).toBeUndefined();
  expect(recent.newerThan(second)).toBe(NEXT_RESULT);
});

test('forgets a session that has ended, and knows sessions apart', () => {
  const { recent } = setUp();
  const other = sessionState();
  recent.add(first, RESULT);
  expect(recent.newerThan(other)).toBeUndefined();
  recent.delete(first.id);
  expect(recent.newerThan(first)).toBeUndefined();
});

test('keeps 10,000 sessions', () => {
  const { recent } = setUp();
  recent.add(first, RESULT);
  for (let at = 0; at < 9999; at++) recent.add({ ...first, id: String(at) }, RESULT);
  expect(recent.newerThan(first)).toBe(RESULT);
  recent.add({ ...first, id: 'a' }, RESULT);
  recent.add({ ...first, id: 'b' }, RESULT);
  expect(recent.newerThan({ ...first, id: '0' })).toBeUndefined();
  expect(recent.newerThan(first)).toBe(RESULT);
});

test('a look at the newest state is no sign that a browser has shown its cookie', () => {
  const { recent, advance } = setUp();
  recent.add(first, RESULT);
  expect(recent.latest(first.id)).toBe(second);
  expect(recent.latest(first.id)).toBe(second);
  advance(31);
  expect(recent.newerThan(first)).toBe(RESULT);
});
