import { expect, test } from 'vitest';
import { memoryReplays } from './replays.js';

test('rules 117 and 120: add returns "full" for a new name in a full store, and false only for a name that is in the store', () => {
  let now = 0;
  const replays = memoryReplays({ monotonic: () => now }, 2);
  expect(['a', 'b', 'c', 'a'].map((name) => replays.add(name, 10))).toEqual([true, true, 'full', false]);
  now = 11_000;
  expect(['c', 'a'].map((name) => replays.add(name, 10))).toEqual([true, true]);
});
