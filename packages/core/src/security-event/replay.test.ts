import { expect, test } from 'vitest';
import { memoryReplays } from './replay.js';

test('rules 117 and 120: a full store says so, and reports only a name that is present as a replay', () => {
  let now = 0;
  const replays = memoryReplays({ monotonic: () => now }, 2);
  expect(['a', 'b', 'c', 'a'].map((name) => replays.add(name, 10))).toEqual([true, true, 'full', false]);
  now = 11_000;
  expect(['c', 'a'].map((name) => replays.add(name, 10))).toEqual([true, true]);
});
