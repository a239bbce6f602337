/**
 * What every store of revocations does, whether it is in memory or shared: give it one function that opens a store, and a test runner's functions.
 *
 * @module
 */
import { revocationCases } from './revocation-cases.js';
import { sharingCases } from './sharing-cases.js';
import type { OpenStore } from './store-case.js';

export type { OpenedStore, OpenStore, StoreCase } from './store-case.js';

/** What is needed of a test runner: vitest, jest and node:test have it. */
export interface StoreTestRunner {
  test(name: string, run: () => Promise<void>): void;
}

/**
 * Declares the suite's tests. Each opens a store of its own, with nothing in it.
 *
 * @example
 * import { test } from 'vitest';
 * storeSuite({ test }, async () => ({ store: memoryRevocations(), close: async () => {} }));
 */
export function storeSuite({ test }: StoreTestRunner, open: OpenStore): void {
  for (const { name, run } of [...revocationCases, ...sharingCases]) {
    test(name, async () => {
      const opened = await open();
      try {
        await opened.store.warm();
        await run(opened);
      } finally {
        await opened.close();
      }
    });
  }
}
