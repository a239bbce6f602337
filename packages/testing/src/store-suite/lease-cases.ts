import assert from 'node:assert/strict';
import type { RefreshLease, SessionStore } from '@tokenward/core/store';
import { hashOf, storedSession, type SessionStoreCase } from './session-case.js';

const KEY = hashOf('leased');
const LONG_SECONDS = 600;

export const leaseCases: readonly SessionStoreCase[] = [
  {
    name: 'one refresh per session across the fleet: one process at a time has the lease',
    async run({ store, openAnother }) {
      const stores = [store, openAnother ? await openAnother() : store];
      const leases = await Promise.all(Array.from({ length: 50 }, async (_value, at) => stores[at % 2]!.lease(KEY, LONG_SECONDS)));
      assert.equal(leases.filter((lease) => lease !== undefined).length, 1);
    },
  },
  {
    name: 'a released lease can be taken again, and releasing it twice does nothing to the next one',
    async run({ store }) {
      const first = (await store.lease(KEY, LONG_SECONDS))!;
      await first.release();
      const second = await store.lease(KEY, LONG_SECONDS);
      assert.notEqual(second, undefined);
      await first.release();
      assert.equal(await store.lease(KEY, LONG_SECONDS), undefined);
    },
  },
  {
    name: 'a lease ends by itself, and releasing it afterwards does nothing to the next one',
    async run({ store }) {
      const ended = (await store.lease(KEY, 0.02))!;
      const next = await nextLease(store);
      await ended.release();
      assert.equal(await store.lease(KEY, LONG_SECONDS), undefined);
      await next.release();
      assert.notEqual(await store.lease(KEY, LONG_SECONDS), undefined);
    },
  },
  {
    name: 'leases of different sessions are independent, and need no session',
    async run({ store }) {
      assert.notEqual(await store.lease(KEY, LONG_SECONDS), undefined);
      const session = storedSession();
      await store.create(session);
      assert.notEqual(await store.lease(session.key, LONG_SECONDS), undefined);
      assert.deepEqual({ ...(await store.read(session.key)) }, session);
      assert.equal(await store.read(KEY), undefined);
    },
  },
  {
    name: 'a lease whose time is no number, or without an end, is refused: nobody else could refresh the session',
    async run({ store }) {
      for (const ttlSeconds of [Number.NaN, 0, -1, Infinity, 1e20, undefined as unknown as number]) {
        // a store may throw or reject
        await assert.rejects(async () => store.lease(KEY, ttlSeconds));
      }
      assert.notEqual(await store.lease(KEY, LONG_SECONDS), undefined);
    },
  },
];

/** Waits until the lease can be taken. */
async function nextLease(store: SessionStore, withinMs = 10_000): Promise<RefreshLease> {
  const end = Date.now() + withinMs;
  for (;;) {
    const lease = await store.lease(KEY, LONG_SECONDS);
    if (lease) return lease;
    if (Date.now() > end) throw new Error(`the lease did not end within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
