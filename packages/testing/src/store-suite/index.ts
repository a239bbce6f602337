/**
 * Tests of the behaviour that every revocation store must show, in memory or shared. They need one function that opens a store, and the functions of a test
 * runner.
 *
 * @module
 */
import { revocationCases } from './revocation-cases.js';
import { sharingCases } from './sharing-cases.js';
import type { OpenStore } from './store-case.js';

export type { OpenedStore, OpenStore, StoreCase } from './store-case.js';

/** The function of a test runner. vitest, jest and node:test have it. */
export interface StoreTestRunner {
  test(name: string, run: () => Promise<void>): void;
}

/**
 * Declares the suite's tests. Each test opens its own, empty store.
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
