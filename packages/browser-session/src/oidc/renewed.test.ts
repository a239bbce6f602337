import { createOutageWarnings } from '@tokenward/core/store';
import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { collectOutageWarnings } from '../../../testing/test/outage-warnings.js';
import { createRenewed } from './renewed.js';

const USABLE_SECONDS = 3600;

/** A document whose fetches a test answers. */
function scripted() {
  const clock = createTestClock();
  const fetches: PromiseWithResolvers<string>[] = [];
  const renewed = createRenewed(
    () => {
      const fetched = Promise.withResolvers<string>();
      fetches.push(fetched);
      return fetched.promise;
    },
    { what: 'the metadata of https://login.example.com', usableSeconds: USABLE_SECONDS, clock, outages: createOutageWarnings() },
  );
  async function first(): Promise<void> {
    const document = renewed.get();
    fetches[0]!.resolve('first');
    expect(await document).toBe('first');
  }
  return { clock, fetches, renewed, first };
}

/** Node emits a warning one tick later, so those of the test before may still come. */
async function onlyOwnWarnings() {
  await new Promise(setImmediate);
  return collectOutageWarnings();
}

test('all callers share the first fetch', async () => {
  const { fetches, renewed } = scripted();
  const all = Promise.all([renewed.get(), renewed.get(), renewed.renew()]);
  fetches[0]!.resolve('first');
  expect(await all).toEqual(['first', 'first', 'first']);
  expect(fetches).toHaveLength(1);
});

test('rule 61: an old document serves while it is fetched again, and nobody waits', async () => {
  const { clock, fetches, renewed, first } = scripted();
  await first();
  clock.advance(599);
  await renewed.get();
  expect(fetches).toHaveLength(1);
  clock.advance(1);
  for (let calls = 0; calls < 3; calls++) expect(await renewed.get()).toBe('first');
  expect(fetches).toHaveLength(2);
  fetches[1]!.resolve('second');
  await expect.poll(() => renewed.get()).toBe('second');
});

test('rule 61: while it cannot be fetched, it is tried every 10 seconds, and serves until it is too old', async () => {
  const { clock, fetches, renewed, first } = scripted();
  await first();
  clock.advance(600);
  for (let seconds = 600; seconds < USABLE_SECONDS; seconds++) {
    expect(await renewed.get()).toBe('first');
    fetches.at(-1)!.reject(new Error('away'));
    clock.advance(1);
  }
  expect(fetches).toHaveLength(1 + (USABLE_SECONDS - 600) / 10);
  const last = renewed.get();
  fetches.at(-1)!.reject(new Error('away'));
  await expect(last).rejects.toThrow('away');
  clock.advance(1);
  const again = renewed.get();
  fetches.at(-1)!.resolve('second');
  expect(await again).toBe('second');
});

test('rule 61: after a quiet time, callers wait for a newer document', async () => {
  const { clock, fetches, renewed, first } = scripted();
  await first();
  clock.advance(1200);
  const all = Promise.all([renewed.get(), renewed.get()]);
  expect(fetches).toHaveLength(2);
  fetches[1]!.resolve('second');
  expect(await all).toEqual(['second', 'second']);
});

test('rule 61: after a quiet time, the old document serves if it cannot be fetched, and for 10 minutes nobody waits again', async () => {
  const { clock, fetches, renewed, first } = scripted();
  await first();
  clock.advance(1200);
  const waiting = renewed.get();
  fetches[1]!.reject(new Error('away'));
  expect(await waiting).toBe('first');
  clock.advance(599);
  expect(await renewed.get()).toBe('first');
  fetches[2]!.reject(new Error('away'));
  await expect(renewed.renew()).rejects.toThrow('away');
  clock.advance(600);
  const again = renewed.get();
  fetches[3]!.resolve('second');
  expect(await again).toBe('second');
});

test('one that seems to be wrong serves until it is fetched again: at once, or 10 seconds after the last fetch', async () => {
  const { clock, fetches, renewed, first } = scripted();
  await first();
  renewed.doubt();
  clock.advance(9);
  expect(await renewed.get()).toBe('first');
  expect(fetches).toHaveLength(1);
  clock.advance(1);
  expect(await renewed.get()).toBe('first');
  expect(fetches).toHaveLength(2);
  fetches[1]!.resolve('second');
  await expect.poll(() => renewed.get()).toBe('second');
  clock.advance(60);
  renewed.doubt();
  expect(fetches).toHaveLength(3);
});

test('rule 61: an outage that nobody notices prints one warning when it begins, and one when it ends', async () => {
  const { seen } = await onlyOwnWarnings();
  const { clock, fetches, renewed, first } = scripted();
  await first();
  clock.advance(600);
  for (let attempt = 1; attempt <= 3; attempt++) {
    expect(await renewed.get()).toBe('first');
    fetches[attempt]!.reject(new Error('https://login.example.com: answered with status 500'));
    await seen();
    clock.advance(10);
  }
  const began =
    'tokenward: the metadata of https://login.example.com cannot be renewed for browser sessions: https://login.example.com: answered with status 500; what is known stays in use for 50 minutes';
  expect(await seen()).toEqual([began]);
  await renewed.get();
  fetches[4]!.resolve('second');
  await expect.poll(() => renewed.get()).toBe('second');
  expect(await seen()).toEqual([began, 'tokenward: the metadata of https://login.example.com can be renewed again for browser sessions']);
});

test('rule 61: without a document, however many callers come, it is fetched once in a second: anybody can start logins', async () => {
  const { clock, fetches, renewed } = scripted();
  const failed = renewed.get();
  fetches[0]!.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  for (let calls = 0; calls < 10; calls++) await expect(renewed.get()).rejects.toThrow('away');
  expect(fetches).toHaveLength(1);
  clock.advance(1);
  const again = renewed.get();
  fetches[1]!.resolve('first');
  expect(await again).toBe('first');
});

test('a first fetch that fails is told to its callers, prints no warning, and is tried again by the next', async () => {
  const { seen } = await onlyOwnWarnings();
  const { clock, fetches, renewed, first } = scripted();
  const failed = renewed.get();
  fetches[0]!.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  clock.advance(1);
  fetches.length = 0;
  await first();
  expect(await seen()).toEqual([]);
});
