import { expect, test } from 'vitest';
import { createPauses } from './pauses.js';

function setUp() {
  let now = 5000;
  const pauses = createPauses({ monotonic: () => now });
  return { pauses, advance: (seconds: number) => void (now += seconds * 1000) };
}

test('rule 130: after a failure a session waits, sooner tried again if its token has ended, and no other session does', () => {
  const { pauses, advance } = setUp();
  expect(pauses.secondsLeft('a')).toBe(0);
  pauses.add('a', true, undefined);
  pauses.add('b', false, undefined);
  expect(['a', 'b', 'c'].map(pauses.secondsLeft)).toEqual([5, 1, 0]);
  advance(2);
  expect(['a', 'b'].map(pauses.secondsLeft)).toEqual([3, 0]);
  pauses.delete('a');
  expect(pauses.secondsLeft('a')).toBe(0);
});

test('rule 130: Retry-After holds for all sessions, for a minute at most, and is never shortened', () => {
  const { pauses, advance } = setUp();
  pauses.add('a', true, 20);
  expect(['a', 'b'].map(pauses.secondsLeft)).toEqual([20, 20]);
  pauses.add('b', true, 3);
  pauses.delete('a');
  expect(pauses.secondsLeft('a')).toBe(20);
  advance(21);
  pauses.add('a', true, 86_400);
  expect(pauses.secondsLeft('b')).toBe(60);
  advance(60);
  expect(pauses.secondsLeft('b')).toBe(0);
});

test('a Retry-After that is shorter than the pause of the session shortens nothing', () => {
  const { pauses } = setUp();
  pauses.add('a', true, 1);
  expect(['a', 'b'].map(pauses.secondsLeft)).toEqual([5, 1]);
});
