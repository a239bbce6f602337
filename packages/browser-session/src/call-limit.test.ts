import { expect, test, vi } from 'vitest';
import { createCallLimit } from './call-limit.js';

function heldCalls() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const call = (number: number) => async () => {
    started.push(number);
    await new Promise<void>((resolve) => (ends[number] = resolve));
    return { number };
  };
  return { started, ends, call };
}

test('rule 130: a bounded number of calls runs at once, and the others follow in their order', async () => {
  const limit = createCallLimit(2);
  const { started, ends, call } = heldCalls();
  const results = [0, 1, 2, 3].map((number) => limit.run(call(number), 10_000));
  expect(started).toEqual([0, 1]);
  ends[1]!();
  await results[1];
  await vi.waitFor(() => expect(started).toEqual([0, 1, 2]));
  ends[0]!();
  await vi.waitFor(() => expect(started).toEqual([0, 1, 2, 3]));
  ends[2]!();
  ends[3]!();
  expect(await Promise.all(results)).toEqual([0, 1, 2, 3].map((number) => ({ number })));
  // all places are free again
  void limit.run(call(4), 10_000);
  void limit.run(call(5), 10_000);
  void limit.run(call(6), 10_000);
  expect(started).toEqual([0, 1, 2, 3, 4, 5]);
});

test('rule 130: a call whose turn does not come in time is not run, and takes no place later', async () => {
  const limit = createCallLimit(1);
  const { started, ends, call } = heldCalls();
  const first = limit.run(call(0), 10);
  expect(await limit.run(call(1), 10)).toBeUndefined();
  expect(await limit.run(call(1), 0)).toBeUndefined();
  ends[0]!();
  await first;
  void limit.run(call(2), 0);
  expect(started).toEqual([0, 2]);
});

test('a call that fails frees its place', async () => {
  const limit = createCallLimit(1);
  await expect(limit.run(async () => Promise.reject(new Error('away')), 0)).rejects.toThrow('away');
  expect(await limit.run(async () => ({ ok: true }), 0)).toEqual({ ok: true });
});

test('a call whose client has left while it waited is not run, and its place goes to the next at once', async () => {
  const limit = createCallLimit(1);
  const { started, ends, call } = heldCalls();
  const client = new AbortController();
  void limit.run(call(0), 10_000);
  const left = [1, 2].map((number) => limit.run(call(number), 10_000, { signal: client.signal }));
  void limit.run(call(3), 10_000, { signal: new AbortController().signal });
  client.abort();
  ends[0]!();
  expect(await Promise.all(left)).toEqual([undefined, undefined]);
  await vi.waitFor(() => expect(started).toEqual([0, 3]));
  // if nobody waits any more, the place is free
  const last = limit.run(call(4), 10_000, { signal: client.signal });
  ends[3]!();
  expect(await last).toBeUndefined();
  void limit.run(call(5), 0);
  expect(started).toEqual([0, 3, 5]);
});
