import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
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
    clock,
    USABLE_SECONDS,
  );
  async function first(): Promise<void> {
    const document = renewed.get();
    fetches[0]!.resolve('first');
    expect(await document).toBe('first');
  }
  return { clock, fetches, renewed, first };
}

test('all callers share the first fetch', async () => {
  const { fetches, renewed } = scripted();
  const all = Promise.all([renewed.get(), renewed.get(), renewed.renew()]);
  fetches[0]!.resolve('first');
  expect(await all).toEqual(['first', 'first', 'first']);
  expect(fetches).toHaveLength(1);
});

test('a first fetch that fails is told to its callers, and tried again by the next', async () => {
  const { fetches, renewed, first } = scripted();
  const failed = renewed.get();
  fetches[0]!.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  fetches.length = 0;
  await first();
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
  const again = renewed.get();
  fetches.at(-1)!.resolve('second');
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
