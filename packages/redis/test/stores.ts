import { createResourceGuard, observe, type Decision, type Events, type ResourceGuard } from '@tokenward/core';
import type { RevocableToken, RevocationRecord, RevocationStore } from '@tokenward/core/store';
import { redisRevocations, type RedisRevocations, type RedisRevocationsOptions } from '@tokenward/redis';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { seedEpoch, startRedis, type RedisServer } from './redis-server.js';

const ISSUER = 'https://login.example.test';
export const KEYS = {
  records: '{tokenward:revocations}:records',
  stream: '{tokenward:revocations}:stream',
  epoch: '{tokenward:revocations}:epoch',
  forgotten: '{tokenward:revocations}:forgotten',
  restoring: '{tokenward:revocations}:restoring',
};

/** What a test opens is closed behind it, the last first. */
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

export function closing<T>(thing: T, close: (thing: T) => unknown): T {
  opened.push(() => close(thing));
  return thing;
}

/** With short times, so that trouble is seen soon. */
export function openStore(options: RedisRevocationsOptions): RedisRevocations {
  return closing(redisRevocations({ timeoutSeconds: 0.4, maxMirrorAgeSeconds: 1, ...options }), (store) => store.close());
}

export async function warmStore(url: string): Promise<RedisRevocations> {
  const store = openStore({ url });
  await store.warm();
  return store;
}

/** A server for all tests of a file, each of which finds it empty. */
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

/** A server of one test's own. */
export async function ownServer(...args: readonly string[]): Promise<RedisServer> {
  const server = closing(await startRedis(...args), (server) => server.close());
  await seedEpoch(server).catch(() => {});
  return server;
}

export function isCurrentAgain(store: RevocationStore): Promise<void> {
  return eventually(() => store.isCurrent() || store.health().lastError, 'the store is current again');
}

/** What is in Redis, by the values of its records. */
export async function valuesIn(server: RedisServer): Promise<readonly string[]> {
  const texts = (await server.ask('ZRANGE', KEYS.records, '0', '-1')) as string[];
  const records = texts.filter((text) => text.startsWith('['));
  return records.map((text) => (JSON.parse(text) as string[])[2]!).sort();
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

export function recordOf(value: string, wishes: Partial<RevocationRecord> = {}): RevocationRecord {
  const now = nowSeconds();
  return { kind: 'session', issuer: ISSUER, value, issuedUntil: now, until: now + 3600, isFinal: false, reason: 'logout', ...wishes };
}

/** A record as it is in Redis. */
export function textOf(value: string): string {
  const { kind, issuer, issuedUntil, until, reason } = recordOf(value);
  return JSON.stringify([kind, issuer, value, issuedUntil, until, 0, reason]);
}

export function tokenOf(sessionId: string, wishes: Partial<RevocableToken> = {}): RevocableToken {
  return { issuer: ISSUER, tokenId: undefined, sessionId, subject: undefined, clientId: undefined, issuedAt: nowSeconds() - 60, ...wishes };
}

export function isRevokedIn(store: RevocationStore, sessionId: string): boolean {
  return store.find(tokenOf(sessionId), nowSeconds()) !== undefined;
}

export async function eventually(holds: () => unknown, what: string, withinMs = 8000): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    const held = await holds();
    if (held === true) return;
    if (Date.now() > end) throw new Error(`after ${withinMs} ms it does not hold: ${what} (${String(held)})`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function heard<N extends keyof Events>(name: N): Events[N][] {
  const events: Events[N][] = [];
  closing(
    observe(name, (event) => events.push(event)),
    (end) => end(),
  );
  return events;
}

/** A guard with this store, its issuer, and what it says to a token. */
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

/** 200, or its status and its reason. */
export function answerOf(decision: Decision): string {
  return decision.outcome === 'allow' ? '200' : `${decision.status} ${decision.reason}`;
}
