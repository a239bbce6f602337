import { createResourceGuard, observe, type Decision, type Events, type ResourceGuard } from '@tokenward/core';
import type { RevocableToken, RevocationRecord, RevocationStore } from '@tokenward/core/store';
import { redisRevocations, type RedisRevocations, type RedisRevocationsOptions } from '@tokenward/redis';
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer } from '@tokenward/testing';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { seedEpoch, startRedis, type RedisServer } from './redis-server.js';

const ISSUER = 'https://login.example.test';
/** How long a test waits for an event. Only a test that fails waits so long, so a busy machine has time enough. */
const PATIENCE_MS = 45_000;
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

export const KEYS = {
  records: '{tokenward:revocations}:records',
  stream: '{tokenward:revocations}:stream',
  epoch: '{tokenward:revocations}:epoch',
  forgotten: '{tokenward:revocations}:forgotten',
  restoring: '{tokenward:revocations}:restoring',
};

/** Whatever a test opens is closed after it, in reverse order. */
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

export function closing<T>(thing: T, close: (thing: T) => unknown): T {
  opened.push(() => close(thing));
  return thing;
}

/**
 * Opens a store with generous time-outs, so that a busy machine does not look like an outage. Only a store that must notice that nothing answers
 * gets a short `timeoutSeconds`, and only eventual results may be expected of it.
 */
export function openStore(options: RedisRevocationsOptions): RedisRevocations {
  return closing(redisRevocations({ timeoutSeconds: 20, maxMirrorAgeSeconds: 60, ...options }), (store) => store.close());
}

/** Opens stores that age only by their common clock. After `expire()` they are current only if they have heard from Redis since. */
export async function agingStores(
  ...urls: readonly string[]
): Promise<{ readonly stores: readonly RedisRevocations[]; readonly clock: TestClock; expire(): void }> {
  const clock = createTestClock();
  const stores = urls.map((url) => openStore({ url, clock }));
  await Promise.all(stores.map((store) => store.warm()));
  return { stores, clock, expire: () => clock.advance(61) };
}

export async function warmStore(url: string): Promise<RedisRevocations> {
  const store = openStore({ url });
  await store.warm();
  return store;
}

/** Starts a server for all tests of a file, and empties it before each. */
export function useServer(...args: readonly string[]): () => RedisServer {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis(...args);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    await server.ask('FLUSHALL');
    await seedEpoch(server);
  });
  return () => server;
}

/** Starts a server for one test. */
export async function ownServer(...args: readonly string[]): Promise<RedisServer> {
  const server = closing(await startRedis(...args), (server) => server.close());
  await seedEpoch(server).catch(() => {});
  return server;
}

export function isCurrentAgain(store: RevocationStore): Promise<void> {
  return eventually(() => store.isCurrent() || store.health().lastError, 'the store is current again');
}

/** Waits until the store reports an error that contains the text. */
export function reports(store: RevocationStore, text: string): Promise<void> {
  return eventually(() => store.health().lastError?.includes(text) || store.health().lastError, `the store reports "${text}"`);
}

/** Waits for the next answer to a store, and returns how many seconds old the mirror is then. */
export async function nextAnswer(store: RedisRevocations): Promise<number> {
  let ageSeconds = store.health().ageSeconds!;
  await eventually(() => {
    const before = ageSeconds;
    ageSeconds = store.health().ageSeconds!;
    return ageSeconds < before;
  }, 'an answer arrives');
  return ageSeconds;
}

/** Returns the values of the records in Redis. */
export async function valuesIn(server: RedisServer): Promise<readonly string[]> {
  const texts = (await server.ask('ZRANGE', KEYS.records, '0', '-1')) as string[];
  const records = texts.filter((text) => text.startsWith('['));
  return records.map((text) => (JSON.parse(text) as string[])[2]!).sort();
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

export function recordOf(value: string, overrides: Partial<RevocationRecord> = {}): RevocationRecord {
  const now = nowSeconds();
  return { kind: 'session', issuer: ISSUER, value, issuedUntil: now, until: now + 3600, isFinal: false, reason: 'logout', ...overrides };
}

/** Returns the text of a record, as it is in Redis. */
export function textOf(value: string): string {
  const { kind, issuer, issuedUntil, until, reason } = recordOf(value);
  return JSON.stringify([kind, issuer, value, issuedUntil, until, 0, reason]);
}

export function tokenOf(sessionId: string, overrides: Partial<RevocableToken> = {}): RevocableToken {
  return { issuer: ISSUER, tokenId: undefined, sessionId, subject: undefined, clientId: undefined, issuedAt: nowSeconds() - 60, ...overrides };
}

export function isRevokedIn(store: RevocationStore, sessionId: string): boolean {
  return store.find(tokenOf(sessionId), nowSeconds()) !== undefined;
}

/** Waits until `holds` returns true; anything else is shown if it never does. */
export async function eventually(holds: () => unknown, what: string, withinMs = PATIENCE_MS): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    const result = await holds();
    if (result === true) return;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what} (${String(result)})`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Returns the events that are published from now on. */
export function heard<N extends keyof Events>(name: N): Events[N][] {
  const events: Events[N][] = [];
  closing(
    observe(name, (event) => events.push(event)),
    (end) => end(),
  );
  return events;
}

/** Opens a guard with this store. `ask` returns its decision on a token of a session. */
export async function openGuard(
  store: RevocationStore,
): Promise<{ readonly guard: ResourceGuard; readonly issuer: TestIssuer; ask(sessionId: string): Promise<Decision> }> {
  const issuer = closing(await createTestIssuer(), (issuer) => issuer.close());
  const guard = closing(createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, revocations: { store } }), (guard) => guard.close());
  const tokens = new Map<string, string>();
  return {
    guard,
    issuer,
    async ask(sessionId) {
      if (!tokens.has(sessionId)) tokens.set(sessionId, await issuer.issueToken({ claims: { sid: sessionId } }));
      return guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${tokens.get(sessionId)}` } });
    },
  };
}

/** Returns '200', or the status and reason of a refusal. */
export function answerOf(decision: Decision): string {
  return decision.outcome === 'allow' ? '200' : `${decision.status} ${decision.reason}`;
}
