import { memorySessions } from '@tokenward/core';
import { SessionStoreError, type SessionStore } from '@tokenward/core/store';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { withTimeLimit } from './time-limit.js';

const KEY = 'k'.repeat(43);
const SESSION = { key: KEY, sealed: 's', version: 1, until: Date.now() / 1000 + 3600, issuedAt: 0, labels: [] };
const never = (): Promise<never> => new Promise(() => {});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
});

test.each([
  ['create', (store: SessionStore) => store.create(SESSION)],
  ['read', (store: SessionStore) => store.read(KEY)],
  ['replace', (store: SessionStore) => store.replace(SESSION, 1)],
  ['remove', (store: SessionStore) => store.remove(KEY)],
  ['removeLabelled', (store: SessionStore) => store.removeLabelled(KEY)],
  ['lease', (store: SessionStore) => store.lease(KEY, 30)],
  ['release', async (store: SessionStore) => (await store.lease(KEY, 30))!.release()],
] as const)('a store that never answers: %s rejects after 3 seconds', async (method, call) => {
  const inner = memorySessions();
  const stuck: SessionStore = method === 'release' ? { ...inner, lease: () => ({ release: never }) } : { ...inner, [method]: never };
  let outcome: unknown = 'still waiting';
  void Promise.resolve(call(withTimeLimit(stuck))).catch((error: unknown) => void (outcome = error));
  await vi.advanceTimersByTimeAsync(2999);
  expect(outcome).toBe('still waiting');
  await vi.advanceTimersByTimeAsync(1);
  expect(outcome).toBeInstanceOf(SessionStoreError);
});

test('what a store answers at once is no promise', () => {
  const store = withTimeLimit(memorySessions());
  expect(store.create(SESSION)).toBeUndefined();
  expect(store.read(KEY)).toEqual(SESSION);
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer in time, and an error, are those of the store, and leave no timer', async () => {
  const inner = memorySessions();
  await inner.create(SESSION);
  const store = withTimeLimit({ ...inner, read: async (key) => inner.read(key), remove: async () => Promise.reject(new TypeError('away')) });
  expect(await store.read(KEY)).toEqual(SESSION);
  await expect(store.remove(KEY)).rejects.toThrow(new TypeError('away'));
  expect(vi.getTimerCount()).toBe(0);
});

test('a lease that comes too late is given back', async () => {
  const release = vi.fn(async () => Promise.reject(new Error('away')));
  const late = Promise.withResolvers<{ readonly release: () => Promise<void> }>();
  const lease = expect(withTimeLimit({ ...memorySessions(), lease: () => late.promise }).lease(KEY, 30)).rejects.toThrow(SessionStoreError);
  await vi.advanceTimersByTimeAsync(3000);
  await lease;
  late.resolve({ release });
  await vi.waitFor(() => expect(release).toHaveBeenCalledTimes(1));
});
