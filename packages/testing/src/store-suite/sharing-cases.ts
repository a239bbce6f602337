import assert from 'node:assert/strict';
import type { RevocationStore } from '@tokenward/core/store';
import { eventually, nowSeconds, record, tokenOf, type StoreCase } from './store-case.js';

interface SharedStore {
  readonly store: RevocationStore;
  openAnother(): Promise<RevocationStore>;
}

/** Does nothing for a store that cannot be shared. */
function shared(name: string, run: (opened: SharedStore) => Promise<void>): StoreCase {
  return { name, run: async ({ store, openAnother }) => (openAnother ? run({ store, openAnother }) : undefined) };
}

export const sharingCases: readonly StoreCase[] = [
  shared('a revocation in one process takes effect in another', async ({ store, openAnother }) => {
    const other = await openAnother();
    await other.warm();
    await store.add(record());
    await eventually(() => other.find(tokenOf(), nowSeconds()) !== undefined, 'the other process refuses');
    await other.add(record({ value: 'session-2' }));
    await eventually(() => store.find(tokenOf({ sessionId: 'session-2' }), nowSeconds()) !== undefined, 'the first process refuses');
    assert.equal(store.health().entries, other.health().entries);
  }),
  shared('rule 115: a process that starts later knows earlier revocations once it is warm', async ({ store, openAnother }) => {
    const values = Array.from({ length: 2500 }, (_value, at) => `session-${at}`);
    await Promise.all(values.map(async (value) => store.add(record({ value }))));
    const later = await openAnother();
    await later.warm();
    for (const sessionId of values) assert.notEqual(later.find(tokenOf({ sessionId }), nowSeconds()), undefined);
    assert.equal(later.health().entries, values.length);
  }),
  shared('a burst of revocations reaches all processes, each revocation once', async ({ store, openAnother }) => {
    const others = [await openAnother(), await openAnother()] as const;
    await Promise.all(others.map((other) => other.warm()));
    const values = Array.from({ length: 1000 }, (_value, at) => `burst-${at}`);
    await Promise.all(values.map(async (value, at) => (at % 2 === 0 ? store : others[0]).add(record({ value }))));
    for (const one of [store, ...others]) await eventually(() => one.health().entries === values.length, 'all entries are there');
  }),
  shared('calls listeners for additions of other processes', async ({ store, openAnother }) => {
    const other = await openAnother();
    await other.warm();
    let calls = 0;
    other.onAdded(() => calls++);
    await store.add(record());
    await eventually(() => calls > 0, 'the listener is told');
    assert.notEqual(other.find(tokenOf(), nowSeconds()), undefined);
  }),
];
