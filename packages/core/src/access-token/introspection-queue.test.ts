import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createIntrospectionQueue, QueueFullError, type IntrospectionQueue } from './introspection-queue.js';

const never = new AbortController().signal;

/** Enters until there is no turn left, and returns how many entered. */
function fill(queue: IntrospectionQueue, isKnown: boolean): number {
  let entered = 0;
  while (queue.tryEnter(isKnown)) entered++;
  return entered;
}

describe('rule 77: a quarter of the turns is for tokens that were active a short time ago', () => {
  test.each([
    [1, 1, 0],
    [2, 1, 1],
    [4, 3, 1],
    [5, 3, 2],
    [8, 6, 2],
  ])('of %i turns, unknown tokens get %i', (maxConcurrent, others, left) => {
    const queue = createIntrospectionQueue(maxConcurrent, 0);
    expect([fill(queue, false), fill(queue, true)]).toEqual([others, left]);
    expect(queue.size).toEqual({ asking: maxConcurrent, waiting: 0 });
    expect(fill(createIntrospectionQueue(maxConcurrent, 0), true)).toBe(maxConcurrent);
  });

  test('and a turn of theirs that ends is one for them', async () => {
    const queue = createIntrospectionQueue(4, 10);
    const leaveKnown = queue.tryEnter(true)!;
    const leaveOther = queue.tryEnter(false)!;
    expect(fill(queue, false)).toBe(2);
    let granted = false;
    const waiting = queue.enter(false, never).then((leave) => {
      granted = true;
      return leave;
    });
    leaveKnown();
    await Promise.resolve();
    expect([granted, queue.size]).toEqual([false, { asking: 3, waiting: 1 }]);
    leaveOther();
    expect(await waiting).toBeTypeOf('function');
    expect(queue.size).toEqual({ asking: 3, waiting: 0 });
  });
});

test('rule 77: a known token that waits gets the next turn, also if unknown ones have all of theirs', async () => {
  const queue = createIntrospectionQueue(4, 10);
  const leave = queue.tryEnter(true)!;
  expect(fill(queue, false)).toBe(3);
  const waiting = queue.enter(true, never);
  leave();
  expect(queue.size).toEqual({ asking: 4, waiting: 0 });
  expect(await waiting).toBeTypeOf('function');
});

test('rule 77: an introspection that ends leaves one turn, however often it says so', () => {
  const queue = createIntrospectionQueue(2, 0);
  const leaves = [queue.tryEnter(true)!, queue.tryEnter(true)!];
  for (const _time of [1, 2, 3]) leaves[0]!();
  expect(queue.size.asking).toBe(1);
  expect(fill(queue, true)).toBe(1);
  const [other, left] = [createIntrospectionQueue(8, 0), createIntrospectionQueue(8, 0).tryEnter(false)!];
  left();
  left();
  expect(fill(other, false)).toBe(6);
});

test('rule 77: known tokens come first, and each kind in its order', async () => {
  const queue = createIntrospectionQueue(1, 10);
  const order: string[] = [];
  let leave = queue.tryEnter(false)!;
  const enter = (name: string, isKnown: boolean) =>
    queue.enter(isKnown, never).then((left) => {
      order.push(name);
      leave = left;
    });
  const all = [enter('other 1', false), enter('known 1', true), enter('other 2', false), enter('known 2', true)];
  expect(queue.size).toEqual({ asking: 1, waiting: 4 });
  for (const _one of all) {
    leave();
    await new Promise(setImmediate);
  }
  expect(order).toEqual(['known 1', 'known 2', 'other 1', 'other 2']);
  leave();
  expect(queue.size).toEqual({ asking: 0, waiting: 0 });
});

test('rule 77: too many that wait are refused, each kind by itself', async () => {
  const queue = createIntrospectionQueue(1, 1);
  queue.tryEnter(true);
  void queue.enter(false, never);
  await expect(queue.enter(false, never)).rejects.toThrow(new QueueFullError());
  void queue.enter(true, never);
  await expect(queue.enter(true, never)).rejects.toThrow('too many tokens wait for introspection');
  expect(queue.size).toEqual({ asking: 1, waiting: 2 });
});

test('rule 77: whoever gives up waits no longer, and gets no turn', async () => {
  const queue = createIntrospectionQueue(1, 1);
  const leave = queue.tryEnter(true)!;
  const reason = new Error('gave up');
  await expect(queue.enter(true, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(queue.size.waiting).toBe(0);
  const giveUp = new AbortController();
  const waiting = queue.enter(true, giveUp.signal);
  giveUp.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  expect(queue.size.waiting).toBe(0);
  leave();
  expect(queue.size).toEqual({ asking: 0, waiting: 0 });
});

test('rule 77: giving up after the turn has come changes nothing', async () => {
  const queue = createIntrospectionQueue(1, 1);
  const leave = queue.tryEnter(true)!;
  const giveUp = new AbortController();
  const { signal } = giveUp;
  const listeners = (): number => getEventListeners(signal, 'abort').length;
  const waiting = queue.enter(true, signal);
  expect(listeners()).toBe(1);
  leave();
  expect(await waiting).toBeTypeOf('function');
  expect(listeners()).toBe(0);
});
