import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startProxy, type Proxy } from '../proxy.js';
import { seedEpoch, startRedis, type RedisServer } from '../redis-server.js';
import { startApiProcess, type ApiProcess } from './api-processes.js';
import type { Names } from './api-process.js';
import type { Figures } from './figures.js';
import type { HeapFigures } from './heap-of-revocations.js';

const LIVE = 50_000;
const REVOCATIONS = 200;
const HEAP_OF = 100_000;
/** How long the fleet may take to agree. Only a test that fails waits so long, so a busy machine has time enough. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 150_000 });

const now = Math.floor(Date.now() / 1000);

let server: RedisServer;
let proxy: Proxy;
let issuer: TestIssuer;
let fleet: ApiProcess[] = [];
let revokedTokens: string[] = [];
let otherTokens: string[] = [];
const revoked: Names[] = [];
const figures: Partial<Record<keyof Figures, number>> = {};

beforeAll(async () => {
  server = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  await seedEpoch(server);
  proxy = await startProxy(server.port);
  issuer = await createTestIssuer();
  const tokenFor = (sid: string): Promise<string> => issuer.issueToken({ claims: { sid, iat: now - 60 }, lifetimeSeconds: 3600 });
  revokedTokens = await Promise.all([0, 17, LIVE - 1].map((at) => tokenFor(`live-${at}`)));
  otherTokens = await Promise.all(['never-0', 'never-1'].map(tokenFor));
  // two of them are behind a proxy that can act as a bad network
  fleet = await Promise.all([server.url, server.url, proxy.url, proxy.url].map(start));
  await revoke(0, 'live', LIVE);
  // on a busy machine some are sent only after their time-out
  while ((await server.ask('ZCARD', '{tokenward:revocations}:records')) !== LIVE + 1) await new Promise((resolve) => setTimeout(resolve, 50));
}, 120_000);

afterAll(async () => {
  await Promise.all(fleet.map((one) => one.end()));
  await proxy.close();
  await issuer.close();
  await server.close();
  const file = process.env['TOKENWARD_REDIS_FIGURES'];
  if (file !== undefined) await writeFile(file, JSON.stringify(figures));
});

async function start(url: string): Promise<ApiProcess> {
  const one = startApiProcess();
  await one.ask('open', { url, issuer: issuer.issuer, audience: issuer.audience, waits: true });
  return one;
}

function named(prefix: string, count: number): Names {
  return { prefix, count, issuer: issuer.issuer, now };
}

async function revoke(by: number, prefix: string, count: number): Promise<number> {
  const names = named(prefix, count);
  revoked.push(names);
  return (await fleet[by]!.ask('revoke', names)).unsent;
}

/** Waits until all four are current and know the same, and checks that they refuse revoked tokens and no others. */
async function agree(): Promise<void> {
  const entries = revoked.reduce((sum, { count }) => sum + count, 0);
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const states = await Promise.all(fleet.map((one) => one.ask('state', [])));
    if (states.every(({ isCurrent, entries: known }) => isCurrent && known === entries)) break;
    if (Date.now() > end) throw new Error(`they do not agree on ${entries} revocations: ${JSON.stringify(states)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const digests = await Promise.all(fleet.map(async (one) => (await one.ask('state', revoked)).digest));
  expect(new Set(digests).size).toBe(1);
  for (const one of fleet) {
    expect(await answers(one, revokedTokens)).toEqual([401, 401, 401]);
    expect(await answers(one, otherTokens)).toEqual([200, 200]);
  }
}

/** Returns the statuses. On a busy machine a process may be behind for a moment and answer 503: it is asked again. */
async function answers(one: ApiProcess, tokens: readonly string[]): Promise<readonly number[]> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const statuses = await one.ask('check', tokens);
    if (!statuses.includes(503) || Date.now() > end) return statuses;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Checks that no revoked token passes in any process during an outage. */
async function watched(outage: () => Promise<void>): Promise<void> {
  await Promise.all(fleet.map((one) => one.ask('watch', revokedTokens)));
  await outage();
  await agree();
  for (const one of fleet) {
    const statuses = await one.ask('stopWatching');
    expect(statuses['200']).toBeUndefined();
    expect(statuses['401']).toBeGreaterThan(0);
  }
}

test('a process that starts later reads all live revocations', async () => {
  const later = startApiProcess();
  onTestFinished(() => later.end());
  const { msToWarm } = await later.ask('open', { url: server.url, issuer: issuer.issuer, audience: issuer.audience, waits: true });
  expect((await later.ask('state', [])).entries).toBe(LIVE);
  figures.msToReadLive = msToWarm;
});

test('a revocation in one process reaches all others', async () => {
  await agree();
  const latencies: number[] = [];
  for (let at = 0; at < REVOCATIONS; at++) {
    const by = at % fleet.length;
    const others = fleet.filter((_one, index) => index !== by);
    const seen = others.map((one) => one.ask('seen', `${issuer.issuer}|timed-${at}-0`));
    // an answer to this shows that the questions before it have arrived
    await Promise.all(others.map((one) => one.ask('check', [])));
    const names = named(`timed-${at}`, 1);
    revoked.push(names);
    const { at: revokedAt } = await fleet[by]!.ask('revoke', names);
    for (const seenAt of await Promise.all(seen)) latencies.push(seenAt - revokedAt);
  }
  latencies.sort((one, other) => one - other);
  figures.p50Ms = latencies[Math.floor(latencies.length * 0.5)]!;
  figures.p99Ms = latencies[Math.floor(latencies.length * 0.99)]!;
  expect(latencies).toHaveLength(REVOCATIONS * 3);
  await agree();
});

test('no revoked token passes during a burst of 10,000 revocations', async () => {
  await watched(async () => {
    const startedAt = performance.now();
    await revoke(1, 'burst', 10_000);
    await agree();
    figures.msForBurst = performance.now() - startedAt;
  });
});

test('no revoked token passes while Redis is killed and restarts with its data', async () => {
  await watched(async () => {
    await server.kill();
    expect(await revoke(0, 'while-it-was-dead', 20)).toBe(20);
    await server.start();
  });
});

test('no revoked token passes while Redis and a process are killed and restart without data', async () => {
  await watched(async () => {
    await server.kill();
    await revoke(1, 'while-it-was-empty', 20);
    await fleet[3]!.end();
    await server.wipe();
    await server.start();
    fleet[3] = startApiProcess();
    await fleet[3].ask('open', { url: proxy.url, issuer: issuer.issuer, audience: issuer.audience, waits: false });
    await fleet[3].ask('watch', revokedTokens);
  });
});

test('no revoked token passes during FLUSHALL', async () => {
  await watched(async () => {
    await server.ask('FLUSHALL');
    await revoke(2, 'after-the-flush', 20);
  });
});

test('no revoked token passes while the network of two processes hangs and the stream is trimmed', async () => {
  await watched(async () => {
    proxy.hang();
    await revoke(0, 'while-two-hung', 100);
    expect(await revoke(2, 'by-one-that-hung', 20)).toBe(20);
    await server.ask('XTRIM', '{tokenward:revocations}:stream', 'MAXLEN', '0');
    proxy.behave();
  });
});

test('no revoked token passes while the connections of two processes are reset again and again', async () => {
  await watched(async () => {
    for (let at = 0; at < 10; at++) {
      proxy.reset();
      await revoke(at % 4, `reset-${at}`, 50);
    }
  });
});

test('no revoked token passes while two processes are slow and much is revoked', async () => {
  await watched(async () => {
    proxy.delay(300);
    await revoke(0, 'to-the-slow', 5000);
    await revoke(3, 'by-the-slow', 20);
    await agree();
    proxy.behave();
  });
});

test('measures the memory of revocations', async () => {
  // processes that run would write everything back
  await Promise.all(fleet.map((one) => one.end()));
  fleet = [];
  await server.ask('FLUSHALL');
  const before = await usedMemory();
  await seedEpoch(server);
  const texts = Array.from({ length: HEAP_OF }, (_value, at) => {
    const sid = crypto.randomUUID();
    return [String(now + 86_400), JSON.stringify(['session', 'https://login.example.com', sid, now, now + 86_400, at % 2, 'logout'])];
  });
  for (let at = 0; at < HEAP_OF; at += 5000) await server.ask('ZADD', '{tokenward:revocations}:records', ...texts.slice(at, at + 5000).flat());
  figures.redisBytes = (await usedMemory()) - before;
  const program = fileURLToPath(new URL('heap-of-revocations.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--no-warnings', program, server.url], { timeout: 80_000 });
  const heap = JSON.parse(stdout) as HeapFigures;
  expect(heap.entries).toBe(HEAP_OF);
  expect(heap.heapBytes).toBeGreaterThan(HEAP_OF);
  figures.heapBytes = heap.heapBytes;
});

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await server.ask('INFO', 'memory')))![1]);
}
