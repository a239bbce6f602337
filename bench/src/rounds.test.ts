import { expect, test } from 'vitest';
import { createRandom } from './random.ts';
import { runInterleaved, runPaired } from './rounds.ts';

async function orderOf(seed: number): Promise<string[]> {
  const order: string[] = [];
  const contenders = ['a', 'b', 'c', 'd'].map((name) => ({
    name,
    runSlice: async () => {
      order.push(name);
      return { cpuMicroseconds: order.length, wallMicroseconds: 1 };
    },
  }));
  const series = await runInterleaved(contenders, { warmUp: 2, measured: 20 }, createRandom(seed));
  expect(series.map(({ name, slices }) => [name, slices.length])).toEqual([
    ['a', 20],
    ['b', 20],
    ['c', 20],
    ['d', 20],
  ]);
  expect(Math.min(...series.flatMap(({ slices }) => slices.map(({ cpuMicroseconds }) => cpuMicroseconds)))).toBe(9);
  return order;
}

test('runs each contender once per round, in a changing order, and does not count the warm-up', async () => {
  const order = await orderOf(1);
  const rounds = Array.from({ length: 22 }, (_, round) => order.slice(round * 4, round * 4 + 4));
  for (const round of rounds) expect([...round].sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(new Set(rounds.map(String)).size).toBeGreaterThan(5);
});

test('runs in the same order only for the same seed', async () => {
  expect(await orderOf(7)).toEqual(await orderOf(7));
  expect(await orderOf(7)).not.toEqual(await orderOf(8));
});

test('runs a turn of each contender per round, and keeps the slices of all rounds but the warm-up', async () => {
  const order: string[] = [];
  const contender = (name: string) => ({
    name,
    runTurn: async () => {
      const slice = { cpuMicroseconds: order.push(name), wallMicroseconds: 1 };
      return [1, 2].map(() => ({ before: slice, slice, after: slice }));
    },
  });
  const series = await runPaired([contender('a'), contender('b')], { warmUp: 1, measured: 2 }, createRandom(1));
  expect(series.map(({ name, slices }) => [name, slices.length])).toEqual([
    ['a', 4],
    ['b', 4],
  ]);
  for (const { name, slices } of series) for (const { slice } of slices) expect(order[slice.cpuMicroseconds - 1]).toBe(name);
  expect(Math.min(...series.flatMap(({ slices }) => slices.map(({ slice }) => slice.cpuMicroseconds)))).toBe(3);
});
