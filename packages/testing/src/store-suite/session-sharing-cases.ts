import assert from 'node:assert/strict';
import type { SessionStore } from '@tokenward/core/store';
import { hashOf, storedSession, type SessionStoreCase } from './session-case.js';

/** Does nothing for a store that cannot be shared. */
function shared(name: string, run: (store: SessionStore, other: SessionStore) => Promise<void>): SessionStoreCase {
  return { name, run: async ({ store, openAnother }) => (openAnother ? run(store, await openAnother()) : undefined) };
}

export const sessionSharingCases: readonly SessionStoreCase[] = [
  shared('a session of one process is there in another, with its changes', async (store, other) => {
    const session = storedSession();
    await store.create(session);
    assert.deepEqual({ ...(await other.read(session.key)) }, session);
    await other.replace({ ...session, sealed: 'sealed-2', version: 2 }, 1);
    assert.equal((await store.read(session.key))?.sealed, 'sealed-2');
  }),
  shared('a session that one process removes is gone in another', async (store, other) => {
    const [one, two] = [storedSession(), storedSession({ labels: [hashOf('sid-2')] })];
    await store.create(one);
    await store.create(two);
    await other.remove(one.key);
    assert.equal(await store.read(one.key), undefined);
    assert.equal((await other.removeLabelled(hashOf('sid-2'))).length, 1);
    assert.equal(await store.read(two.key), undefined);
  }),
  shared('a lease that one process releases can be taken by another', async (store, other) => {
    const key = hashOf('leased');
    const lease = (await store.lease(key, 600))!;
    assert.equal(await other.lease(key, 600), undefined);
    await lease.release();
    assert.notEqual(await other.lease(key, 600), undefined);
  }),
];
