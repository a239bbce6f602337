import { RevocationStoreError } from '@tokenward/core';
import { SessionStoreError, type RefreshLease, type SessionStore } from '@tokenward/core/store';

/** How long a call of a store may take. A store that never answers would keep its requests, and the leases and places of its refreshes, for ever. */
const CALL_SECONDS = 3;
const LATE = `tokenward: the store did not answer within ${CALL_SECONDS} seconds`;

/** Returns the same store, but each call rejects with a `SessionStoreError` if it takes too long. What the store answers at once needs no promise and no timer. */
export function withTimeLimit(store: SessionStore): SessionStore {
  return {
    create: (session) => inTime(store.create(session)),
    read: (key) => inTime(store.read(key)),
    replace: (session, replaces) => inTime(store.replace(session, replaces)),
    remove: (key) => inTime(store.remove(key)),
    removeLabelled: (label, issuedUntil) => inTime(store.removeLabelled(label, issuedUntil)),
    async lease(key, ttlSeconds) {
      // one that came too late would keep everybody from refreshing
      const lease = await inTime(store.lease(key, ttlSeconds), storeError, (late) => void giveBack(late));
      return lease && { release: () => inTime(lease.release()) };
    },
    // it may wait for a connection
    warm: () => store.warm(),
    health: () => store.health(),
    close: () => store.close(),
  };
}

/** Returns what adding a revocation returned. If that takes too long, the promise rejects with a `RevocationStoreError`. */
export function addedInTime(added: void | Promise<void>): void | Promise<void> {
  return inTime(added, () => new RevocationStoreError(LATE));
}

/**
 * Returns what a store answers. If that takes longer than one call may, the promise rejects with a `SessionStoreError`.
 *
 * @param late gets an answer that comes too late
 */
export function inTime<T>(answer: T | Promise<T>, error: () => Error = storeError, late: (answer: T) => void = () => {}): T | Promise<T> {
  if (!isThenable(answer)) return answer;
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(error());
    }, CALL_SECONDS * 1000).unref();
    answer.then(
      (value) => {
        clearTimeout(timer);
        if (isLate) late(value);
        else resolve(value);
      },
      (reason: unknown) => {
        clearTimeout(timer);
        reject(reason);
      },
    );
  });
}

async function giveBack(lease: RefreshLease | undefined): Promise<void> {
  try {
    await lease?.release();
  } catch {
    // it ends by itself
  }
}

function storeError(): Error {
  return new SessionStoreError(LATE);
}

/** Whether a store answers later. */
export function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { readonly then?: unknown } | undefined)?.then === 'function';
}
