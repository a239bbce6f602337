import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startProxy } from '../test/proxy.js';
import { startRedis, type RedisServer } from '../test/redis-server.js';
import { fromUrl } from './clients.js';
import { createConnect } from './connection.js';
import { openLink, type Link } from './link.js';

const TIMEOUT_MS = 500;
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.close());

function open(url: string, idleMs: number): Link {
  const probe = { kind: 'PING', command: ['PING'] };
  const link = openLink({ connect: createConnect(fromUrl(url, TIMEOUT_MS), TIMEOUT_MS), probe, where: url, what: 'sessions', timeoutMs: TIMEOUT_MS, idleMs });
  onTestFinished(() => link.close());
  return link;
}

async function soon(holds: () => void): Promise<void> {
  await vi.waitFor(holds, { interval: 10, timeout: 20_000 });
}

test('a server that hangs is known to be unusable without a command, and so is the end of that', async () => {
  const proxy = await startProxy(redis.port);
  onTestFinished(() => proxy.close());
  const link = open(proxy.url, 50);
  await soon(() => expect(link.isUsable).toBe(true));
  proxy.hang();
  await soon(() => expect([link.isUsable, link.lastError]).toEqual([false, expect.stringContaining('no answer')]));
  proxy.behave();
  await soon(() => expect([link.isUsable, link.lastError]).toEqual([true, undefined]));
});

test('a connection that ends while nobody uses it is replaced at once', async () => {
  const link = open(redis.url, 60_000);
  await soon(() => expect(link.isUsable).toBe(true));
  const before = String(await link.send('CLIENT', ['CLIENT', 'ID']));
  await redis.ask('CLIENT', 'KILL', 'ID', before);
  await soon(() => expect(link.isUsable).toBe(true));
  await vi.waitFor(async () => expect(String(await link.send('CLIENT', ['CLIENT', 'ID']))).not.toBe(before), { interval: 10, timeout: 20_000 });
  expect(link.lastError).toBeUndefined();
});

test('a command that the server refuses costs no new connection', async () => {
  const link = open(redis.url, 60_000);
  await soon(() => expect(link.isUsable).toBe(true));
  const connections = async () => Number(/total_connections_received:(\d+)/.exec(String(await redis.ask('INFO', 'stats')))![1]);
  const id = await link.send('CLIENT', ['CLIENT', 'ID']);
  const before = await connections();
  for (let at = 0; at < 20; at++) await expect(link.send('NONE', ['NO-SUCH-COMMAND'])).rejects.toThrow();
  expect((await connections()) - before).toBeLessThan(5);
  expect(await link.send('CLIENT', ['CLIENT', 'ID'])).toBe(id);
});
