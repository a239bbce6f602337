import { TokenwardError } from '../lib/tokenward-error.js';
import { createListeners } from './listeners.js';
import { createRevocationMirror, type MirrorLimits, type RevocationOverflow } from './mirror.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

/**
 * Where revocations are kept: in this process, or shared by a fleet. It is asked at each request, so it answers from memory; what it shares it has
 * learned before. `@tokenward/testing/store-suite` tries one.
 */
export interface RevocationStore {
  /**
   * Keeps a record. It holds in this process at once, before the promise is settled, and also where that rejects.
   *
   * @returns a promise that is settled when all who share the store will learn of it
   * @throws RevocationStoreError by the promise, where they may not: the store goes on trying
   */
  add(record: RevocationRecord): void | Promise<void>;
  /** The revocation that a token falls under. */
  find(token: RevocableToken, nowSeconds: number): RevocationRecord | undefined;
  /** Whether what `find` says can be relied upon now; false refuses every token with 503. */
  isCurrent(): boolean;
  /** Calls back when revocations were added, by whomever; once for many. @returns ends it */
  onAdded(listener: () => void): () => void;
  /** Calls back when room was made: see {@link RevocationOverflow}. @returns ends it */
  onOverflow(listener: (overflow: RevocationOverflow) => void): () => void;
  /** Resolves when it is current. @throws RevocationStoreError where it can't be for now; it goes on trying. */
  warm(): Promise<void>;
  health(): RevocationHealth;
  /** For whoever made it: a guard that was given a store leaves it open. */
  close(): void | Promise<void>;
}

/** What can be seen of a store. It holds no name from a token. */
export interface RevocationHealth {
  readonly entries: number;
  /** Whether tokens can be checked against it now. */
  readonly usable: boolean;
  /** Since this process knew for the last time that it knows all; 0 where nobody shares it, undefined where it never did. */
  readonly ageSeconds: number | undefined;
  /** Requests that were let through although the store was not current, since the options say so. */
  readonly uncheckedRequests: number;
  readonly lastError: string | undefined;
}

/** A revocation holds here, and others may not have learned of it yet. */
export class RevocationStoreError extends TokenwardError {
  override readonly name = 'RevocationStoreError';
  readonly code = 'TOKENWARD_REVOCATION_STORE';
}

/** Revocations of this process alone: for one process, or for tests. Those of a fleet need a store that is shared. */
export function memoryRevocations(limits: Pick<MirrorLimits, 'maxEntries' | 'maxBytes'> = {}): RevocationStore {
  const added = createListeners<void>();
  const overflowed = createListeners<RevocationOverflow>();
  const mirror = createRevocationMirror({ ...limits, overflowed: overflowed.tell });
  return {
    add(record) {
      if (mirror.apply(record)) added.tell();
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
