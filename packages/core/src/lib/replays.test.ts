import { expect, test } from 'vitest';
import { memoryReplays } from './replays.js';

function clockOf(monotonic: () => number, now = monotonic) {
  return { monotonic, now };
}

/** A clock whose two times can be set apart from each other. */
function clockAt(at: { readonly elapsed: number; readonly wall: number }) {
  return clockOf(
    () => at.elapsed,
    () => at.wall,
  );
}

test('rules 117 and 120: add returns "full" for a new name in a full store, and false only for a name that is in the store', () => {
  let now = 0;
  const replays = memoryReplays(
    clockOf(() => now),
    2,
  );
  expect(['a', 'b', 'c', 'a'].map((name) => replays.add(name, 10))).toEqual([true, true, 'full', false]);
  now = 11_000;
  expect(['c', 'a'].map((name) => replays.add(name, 10))).toEqual([true, true]);
});

test('rule 208: an owner may have as many names as there is room for, so there is always room for another', () => {
  const replays = memoryReplays(
    clockOf(() => 0),
    12,
  );
  const addedBy = (owner: string) => {
    let added = 0;
    while (replays.add(`${owner}-${added}`, 10, owner) === true) added++;
    return added;
  };
  expect(['a', 'b', 'c', 'a', 'd'].map(addedBy)).toEqual([6, 3, 2, 0, 1]);
  // the last place is for whoever has no name yet, and then it is the store that is full
  expect([replays.add('x', 10, 'a'), replays.add('a-0', 10, 'b')]).toEqual(['full', false]);
});

test('rule 208: names that have ended, also those that are added again, count no longer', () => {
  let now = 0;
  const replays = memoryReplays(
    clockOf(() => now),
    4,
  );
  const add = (name: string, owner: string) => replays.add(name, 10, owner);
  for (let round = 0; round < 5; round++) {
    expect([add('a', 'one'), add('b', 'one'), add('c', 'one'), add('c', 'other'), add('a', 'other')]).toEqual([true, true, 'owner-full', true, false]);
    now += 11_000;
    // by another owner, before anything was looked for
    expect([add('a', 'other'), add('b', 'other'), add('c', 'other')]).toEqual([true, true, 'owner-full']);
    now += 11_000;
  }
});

test('rule 208: a store for one name takes it from an owner', () => {
  const replays = memoryReplays(
    clockOf(() => 0),
    1,
  );
  expect([replays.add('a', 10, 'one'), replays.add('b', 10, 'other')]).toEqual([true, 'full']);
});

test('rule 89: a name that was used is known while it may be valid by the wall clock, also after that was set back', () => {
  const at = { elapsed: 0, wall: 1_000_000 };
  const replays = memoryReplays(clockAt(at), 2);
  expect(replays.add('a', 60)).toBe(true);
  at.elapsed += 100_000;
  at.wall += 100_000 - 300_000;
  expect(replays.add('a', 60)).toBe(false);
  // setting it forward does not end anything early
  expect(replays.add('b', 60)).toBe(true);
  at.wall += 3_600_000;
  expect(replays.add('b', 60)).toBe(false);
  at.elapsed += 60_000;
  expect(replays.add('b', 60)).toBe(true);
  // room comes first: a step of the clock must not refuse everybody
  at.wall -= 3_600_000;
  at.elapsed += 60_000;
  expect([replays.add('c', 60), replays.add('d', 60), replays.add('e', 60)]).toEqual([true, true, 'full']);
});

test('rules 89 and 208: an owner that fills its share ends no names of others that are valid by the wall clock', () => {
  const at = { elapsed: 0, wall: 1_000_000 };
  const replays = memoryReplays(clockAt(at), 6);
  expect(replays.add('used', 60, 'one')).toBe(true);
  at.elapsed += 100_000;
  at.wall += 100_000 - 300_000;
  expect(['a', 'b', 'c', 'd'].map((name) => replays.add(name, 60, 'other'))).toEqual([true, true, true, 'owner-full']);
  expect(replays.add('used', 60, 'one')).toBe(false);
});

test('rule 208: after the wall clock was set back, an owner whose share is full of ended names gets room again', () => {
  const at = { elapsed: 0, wall: 1_000_000 };
  const replays = memoryReplays(clockAt(at), 4);
  const names = ['a', 'b', 'c'].map((name) => replays.add(name, 60, 'one'));
  expect([...names, replays.add('used', 60, 'other')]).toEqual([true, true, 'owner-full', true]);
  at.elapsed += 100_000;
  at.wall += 100_000 - 300_000;
  expect(replays.add('c', 60, 'one')).toBe(true);
  expect(replays.add('used', 60, 'other')).toBe(false);
});

test('a clock that lacks a function is refused at once', () => {
  for (const clock of [undefined, {}, { monotonic: () => 0 }, { now: () => 0 }, { monotonic: () => NaN, now: () => 0 }]) {
    expect(() => memoryReplays(clock as never)).toThrow(/^tokenward: memoryReplays\(clock\): needs the functions now\(\) and monotonic\(\)/);
  }
});

test.each([0, -1, 1.5, Number.NaN, Infinity, 1e9, null, '10'])('rule 89: a store for %s names would not be bounded, and is refused', (maxEntries) => {
  const clock = clockOf(() => 0);
  expect(() => memoryReplays(clock, maxEntries as number)).toThrow(
    /^tokenward: memoryReplays\(clock, maxEntries\): must be a whole number from 1 to 10000000 \(got /,
  );
});
