import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { IntrospectionConfig } from '../issuer/introspection-config.js';
import { createAnswerSealer } from './introspection-seal.js';
import { createSharedAnswers } from './introspection-sharing.js';

const SECRET = 'a secret of the fleet, with 32 bytes';
const NOW = 1_900_000_000;
const answer = { claims: Object.freeze({ active: true, sub: 'user-1' }), askedAt: NOW };
const sealed = createAnswerSealer(SECRET).seal('name', 'token', answer);

function sharedIn(cache: unknown, more: Partial<IntrospectionConfig> = {}) {
  return createSharedAnswers({ cache, cacheSecret: () => SECRET, cacheSeconds: 60, timeoutSeconds: 4, ...more } as IntrospectionConfig);
}

const storeOf = (get: () => unknown) => sharedIn({ get, set: () => {} })!;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('rule 74: nothing is shared without a cache, and without a time to keep answers', () => {
  expect(sharedIn(undefined)).toBeUndefined();
  expect(sharedIn({}, { cacheSecret: () => undefined })).toBeUndefined();
  const cacheSecret = vi.fn(() => SECRET);
  expect(sharedIn({}, { cacheSecret, cacheSeconds: 0 })).toBeUndefined();
  expect(sharedIn(undefined, { cacheSecret })).toBeUndefined();
  expect(cacheSecret).not.toHaveBeenCalled();
});

describe('rule 74: an answer in the store', () => {
  test('is asked for by its name, and no timer is left', async () => {
    const get = vi.fn(() => sealed);
    expect(await storeOf(get).find('name', 'token', NOW)).toEqual(answer);
    expect(get).toHaveBeenCalledExactlyOnceWith('name');
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [59.9, true],
    [60, false],
    [-5, true],
    [-5.1, false],
  ])('that is %d s old counts: %s', async (age, counts) => {
    expect(await storeOf(() => sealed).find('name', 'token', NOW + age)).toEqual(counts ? answer : undefined);
  });

  test.each<[string, () => unknown]>([
    ['none', () => undefined],
    ['another text', () => 'x'],
    ['a number', () => 7],
    ['a rejection', () => Promise.reject(new Error('down'))],
    [
      'an error',
      () => {
        throw new Error('down');
      },
    ],
  ])('that is %s counts as none', async (_name, get) => {
    expect(await storeOf(get).find('name', 'token', NOW)).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [4, 500],
    [1, 250],
    [0.4, 100],
  ])('is waited for a quarter of the time-out of %d s, and at most for half a second', async (timeoutSeconds, waitMs) => {
    let found: unknown = 'waiting';
    const shared = sharedIn({ get: () => new Promise(() => {}) }, { timeoutSeconds })!;
    void shared.find('name', 'token', NOW).then((late) => (found = late));
    await vi.advanceTimersByTimeAsync(waitMs - 1);
    expect(found).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect(found).toBeUndefined();
  });

  test('does not keep the process alive while it is waited for', () => {
    vi.useRealTimers();
    const timeout = vi.spyOn(globalThis, 'setTimeout');
    void storeOf(() => new Promise(() => {})).find('name', 'token', NOW);
    expect((timeout.mock.results[0]!.value as NodeJS.Timeout).hasRef()).toBe(false);
    timeout.mockRestore();
  });
});

describe('rule 74: what is put into the store', () => {
  test('is sealed, for as long as it is fresh', () => {
    const set = vi.fn((_name: string, _sealed: string, _ttlSeconds: number) => {});
    const shared = sharedIn({ set })!;
    shared.share('name', 'token', answer, 12.5);
    for (const ended of [0, -1, NaN]) shared.share('name', 'token', answer, ended);
    expect(set).toHaveBeenCalledExactlyOnceWith('name', expect.any(String), 12.5);
    expect(createAnswerSealer(SECRET).open('name', 'token', set.mock.calls[0]![1])).toEqual(answer);
  });

  test('is lost if the store fails, and nothing else', async () => {
    vi.useRealTimers();
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    for (const set of [() => Promise.reject(new Error('down')), vi.fn().mockThrow(new Error('down'))]) sharedIn({ set })!.share('name', 'token', answer, 1);
    await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
