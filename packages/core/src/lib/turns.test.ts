import { expect, test } from 'vitest';
import { createTurns, TooManyWaitError } from './turns.js';

const { signal } = new AbortController();

test('lets so many run at a time, and the others in their order', async () => {
  const turns = createTurns(2, 10);
  const order: number[] = [];
  const [first, second] = [await turns.take(signal), await turns.take(signal)];
  const waiting = [3, 4, 5].map(async (number) => {
    const end = await turns.take(signal);
    order.push(number);
    end();
  });
  expect(turns.size).toEqual({ running: 2, waiting: 3 });
  first();
  // a turn ends once
  first();
  await Promise.all(waiting);
  expect(order).toEqual([3, 4, 5]);
  expect(turns.size).toEqual({ running: 1, waiting: 0 });
  second();
  expect(turns.size).toEqual({ running: 0, waiting: 0 });
});

test('refuses what would wait too long in line, and recovers', async () => {
  const turns = createTurns(1, 1);
  const end = await turns.take(signal);
  const waiting = turns.take(signal);
  await expect(turns.take(signal)).rejects.toBeInstanceOf(TooManyWaitError);
  end();
  (await waiting)();
  (await turns.take(signal))();
});

test('ends a wait when its signal aborts, and lets the next one run', async () => {
  const turns = createTurns(1, 10);
  const end = await turns.take(signal);
  const aborting = new AbortController();
  const [given, other] = [turns.take(aborting.signal), turns.take(signal)];
  aborting.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  await expect(turns.take(aborting.signal)).rejects.toThrow('enough');
  end();
  (await other)();
  expect(turns.size).toEqual({ running: 0, waiting: 0 });
});
