import { expect, onTestFinished, test, vi } from 'vitest';
import { createFlights } from './flights.js';

test('close() waits for the flights under way, and after 5 seconds for none', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const flights = createFlights(1000);
  await flights.close();
  const first = Promise.withResolvers<never>();
  flights.start('first', () => first.promise);
  flights.start('second', () => new Promise(() => {}));
  let isClosed = false;
  const closed = flights.close().then(() => (isClosed = true));
  first.reject(new Error('away'));
  await vi.advanceTimersByTimeAsync(4999);
  expect(isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await closed;
});

test('close() ends with the last flight', async () => {
  const flights = createFlights(1000);
  const first = Promise.withResolvers<never>();
  flights.start('first', () => first.promise);
  const closed = flights.close();
  first.reject(new Error('away'));
  await closed;
});

test('close() ends with the work that the last flight has left, for all its callers', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const flights = createFlights(1000);
  const work = Promise.withResolvers<void>();
  flights.follow(work.promise);
  let closed = 0;
  const all = [flights.close(), flights.close()].map((close) => close.then(() => closed++));
  await vi.advanceTimersByTimeAsync(1000);
  expect(closed).toBe(0);
  work.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect([closed, vi.getTimerCount()]).toEqual([2, 0]);
  await Promise.all(all);
});

test('what begins to wait during close() leaves time for a call to the issuer', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const flights = createFlights(1000);
  flights.follow(new Promise(() => {}));
  const patience: number[] = [flights.patienceMs(3000)];
  const closed = flights.close();
  for (let seconds = 0; seconds < 5; seconds++) {
    patience.push(flights.patienceMs(3000));
    await vi.advanceTimersByTimeAsync(1000);
  }
  await closed;
  expect(patience).toEqual([3000, 3000, 2500, 1500, 500, 0]);
});
