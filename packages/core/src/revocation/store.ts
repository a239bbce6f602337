import { TokenwardError } from '../lib/tokenward-error.js';
import { createListeners } from './listeners.js';
import { createRevocationMirror, type MirrorLimits, type RevocationOverflow } from './mirror.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

/**
 * Keeps revocations: for this process alone, or shared by a fleet. A guard calls it for every request, so it answers from memory. A shared store receives the
 * records of other processes in the background. `@tokenward/testing/store-suite` tests an implementation.
 */
export interface RevocationStore {
  /**
   * Adds a record. It takes effect in this process at once, before the promise settles and also if the promise rejects.
   *
   * @returns a promise that resolves once every process that shares the store is sure to receive the record
   * @throws RevocationStoreError (the promise rejects) if some may not receive it; the store keeps retrying
   */
  add(record: RevocationRecord): void | Promise<void>;
  /** Returns a revocation that covers a token; undefined if none does. */
  find(token: RevocableToken, nowSeconds: number): RevocationRecord | undefined;
  /** Returns whether `find` can be relied on now. If not, the guard refuses every token with 503. */
  isCurrent(): boolean;
  /** Calls a listener after any process has added revocations. One call may report several. @returns a function that removes the listener */
  onAdded(listener: () => void): () => void;
  /** Calls a listener after records were evicted: see {@link RevocationOverflow}. @returns a function that removes the listener */
  onOverflow(listener: (overflow: RevocationOverflow) => void): () => void;
  /** Resolves when the store is current. @throws RevocationStoreError if it cannot become current now; it keeps retrying */
  warm(): Promise<void>;
  health(): RevocationHealth;
  /** Closes the store. A guard does not close a store that was given to it. */
  close(): void | Promise<void>;
}

/** The state of a store. It contains no name from a token. */
export interface RevocationHealth {
  readonly entries: number;
  /** Whether tokens can be checked against it now. */
  readonly usable: boolean;
  /** The time since this process last had all records; 0 for a store that nobody shares, undefined if it never had them. */
  readonly ageSeconds: number | undefined;
  /** The number of requests that passed unchecked, because the store was not current and its options allow that. */
  readonly uncheckedRequests: number;
  readonly lastError: string | undefined;
}

/** A revocation is in effect in this process, but other processes may not have received it yet. */
export class RevocationStoreError extends TokenwardError {
  override readonly name = 'RevocationStoreError';
  readonly code = 'TOKENWARD_REVOCATION_STORE';
}

/**
 * Creates a store for this process alone. A fleet needs a shared store.
 *
 * @throws ConfigurationError if a limit is invalid
 */
export function memoryRevocations(limits: Pick<MirrorLimits, 'maxEntries' | 'maxBytes'> = {}): RevocationStore {
  const added = createListeners<void>();
  const overflowed = createListeners<RevocationOverflow>();
  const mirror = createRevocationMirror({ ...limits, overflowed: overflowed.notify });
  return {
    add(record) {
      if (mirror.apply(record)) added.notify();
    },
    find(token, nowSeconds) {
      mirror.sweep(nowSeconds);
      return mirror.find(token, nowSeconds);
    },
    isCurrent: () => true,
    onAdded: added.add,
    onOverflow: overflowed.add,
    warm: async () => {},
    health: () => ({ entries: mirror.size, usable: true, ageSeconds: 0, uncheckedRequests: 0, lastError: undefined }),
    close() {},
  };
}
