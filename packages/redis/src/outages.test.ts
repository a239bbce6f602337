import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { observe } from '@tokenward/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createOutages } from './outages.js';
import { StoreFailure } from './store-failure.js';

test('publishes an outage that goes on every minute, so that an alert lasts as long, however often it fails in between', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const failed: unknown[] = [];
  const onFailed = (event: unknown): void => void failed.push(event);
  subscribe('tokenward:revocations-failed', onFailed);
  onTestFinished(() => void unsubscribe('tokenward:revocations-failed', onFailed));
  let usableUntilMs = performance.now() + 90_000;
  const outages = createOutages('redis://redis.example.test:6379', () => usableUntilMs - performance.now());
  const reading = outages.kind();
  for (let seconds = 0; seconds < 180; seconds++) {
    reading.begin(new Error('down'));
    vi.advanceTimersByTime(1000);
  }
  expect(failed.map((event) => (event as { usable: boolean }).usable)).toEqual([true, true, false, false]);
  usableUntilMs = Infinity;
  reading.end();
  vi.advanceTimersByTime(180_000);
  expect(failed).toHaveLength(4);
  // a store that takes no revocations, while tokens can be checked: nothing fails in between
  outages.kind().begin(new Error('no memory'));
  vi.advanceTimersByTime(179_000);
  expect(failed).toHaveLength(7);
  outages.close();
  vi.advanceTimersByTime(180_000);
  expect(failed).toHaveLength(7);
  // a command that was under way when the store was closed
  reading.begin(new Error('closed'));
  reading.end();
  reading.begin(new Error('closed'));
  expect([failed.length, vi.getTimerCount()]).toEqual([7, 0]);
});

test('rule 169: that tokens can be checked again, while another kind of outage begins, is no event', () => {
  const seen: boolean[] = [];
  onTestFinished(observe('tokenward:revocations-failed', ({ usable }) => seen.push(usable)));
  let usableForMs = 0;
  const outages = createOutages('redis://redis.example.test:6379', () => usableForMs);
  const [writing, pruning] = [outages.kind(), outages.kind()];
  const failure = new StoreFailure('Redis accepts no writes');
  writing.begin(failure);
  usableForMs = 60_000;
  pruning.begin(failure);
  expect(seen).toEqual([false]);
  // but that they no longer can is one
  usableForMs = 0;
  pruning.begin(failure);
  expect(seen).toEqual([false, false]);
  outages.close();
});
