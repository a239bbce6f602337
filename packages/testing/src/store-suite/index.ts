/**
 * Tests of the behaviour that every store must show, in memory or shared: stores of revocations, of browser sessions and of replays, and caches of
 * introspection answers. They need one function that opens a store, and the functions of a test runner.
 *
 * @module
 */
import { introspectionCases, type OpenIntrospectionCache } from './introspection-cases.js';
import { leaseCases } from './lease-cases.js';
import { replayCases, type OpenReplayStore } from './replay-cases.js';
import { revocationCases } from './revocation-cases.js';
import { sessionCases } from './session-cases.js';
import type { OpenSessionStore } from './session-case.js';
import { sessionSharingCases } from './session-sharing-cases.js';
import { sharingCases } from './sharing-cases.js';
import type { OpenStore } from './store-case.js';

export type { IntrospectionCacheCase, OpenedIntrospectionCache, OpenIntrospectionCache } from './introspection-cases.js';
export type { OpenedReplayStore, OpenReplayStore, ReplayStoreCase } from './replay-cases.js';
export type { OpenedSessionStore, OpenSessionStore, SessionStoreCase } from './session-case.js';
export type { OpenedStore, OpenStore, StoreCase } from './store-case.js';

/** The function of a test runner. vitest, jest and node:test have it. */
export interface StoreTestRunner {
  test(name: string, run: () => Promise<void>): void;
}

interface Opened {
  readonly store: { warm(): Promise<void> };
  close(): Promise<void>;
}

/**
 * Declares the suite's tests for a store of revocations. Each test opens its own, empty store.
 *
 * @example
 * import { test } from 'vitest';
 * storeSuite({ test }, async () => ({ store: memoryRevocations(), close: async () => {} }));
 */
export function storeSuite({ test }: StoreTestRunner, open: OpenStore): void {
  for (const { name, run } of [...revocationCases, ...sharingCases]) test(name, () => withStore(open, run));
}

/**
 * Declares the suite's tests for a store of browser sessions. Each test opens its own, empty store.
 *
 * @example
 * import { test } from 'vitest';
 * sessionStoreSuite({ test }, async () => ({ store: memorySessions(), close: async () => {} }));
 */
export function sessionStoreSuite({ test }: StoreTestRunner, open: OpenSessionStore): void {
  for (const { name, run } of [...sessionCases, ...leaseCases, ...sessionSharingCases]) test(name, () => withStore(open, run));
}

/**
 * Declares the suite's tests for a cache of introspection answers. Each test opens its own, empty cache.
 *
 * @example
 * import { test } from 'vitest';
 * introspectionCacheSuite({ test }, async () => ({ cache: memoryIntrospections(systemClock), close: async () => {} }));
 */
export function introspectionCacheSuite({ test }: StoreTestRunner, open: OpenIntrospectionCache): void {
  for (const { name, run } of introspectionCases) test(name, () => withClosed(open, run));
}

/**
 * Declares the suite's tests for a store of names that may be used once. Each test opens its own, empty store.
 *
 * @example
 * import { test } from 'vitest';
 * replayStoreSuite({ test }, async () => ({ store: memoryReplays(systemClock), close: async () => {} }));
 */
export function replayStoreSuite({ test }: StoreTestRunner, open: OpenReplayStore): void {
  for (const { name, run } of replayCases) test(name, () => withClosed(open, run));
}

async function withStore<O extends Opened>(open: () => Promise<O>, run: (opened: O) => Promise<void>): Promise<void> {
  await withClosed(open, async (opened) => {
    await opened.store.warm();
    await run(opened);
  });
}

async function withClosed<O extends { close(): Promise<void> }>(open: () => Promise<O>, run: (opened: O) => Promise<void>): Promise<void> {
  const opened = await open();
  try {
    await run(opened);
  } finally {
    await opened.close();
  }
}
