import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { createResourceGuard } from '@tokenward/core';
import { redisReplays, type RedisReplays, type RedisReplaysOptions } from '@tokenward/redis';
import { createTestIssuer } from '@tokenward/testing';
import { replayStoreSuite } from '@tokenward/testing/store-suite';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRedis, type RedisServer } from './redis-server.js';

let server: RedisServer;
let opened = 0;
const OWNER_LIMIT = 3;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.close());

async function open(options: RedisReplaysOptions): Promise<RedisReplays> {
  const store = redisReplays({ timeoutSeconds: 20, ...options });
  await store.warm();
  return store;
}

function suiteWith(optionsOf: () => object): void {
  replayStoreSuite({ test }, async () => {
    const prefix = `suite-${opened++}`;
    const stores = [await open({ ...optionsOf(), prefix, maxPerOwner: OWNER_LIMIT })];
    return {
      store: stores[0]!,
      async openAnother() {
        stores.push(await open({ ...optionsOf(), prefix, maxPerOwner: OWNER_LIMIT }));
        return stores.at(-1)!;
      },
      ownerLimit: OWNER_LIMIT,
      async fill() {
        await server.ask('CONFIG', 'SET', 'maxmemory', '1');
      },
      async close() {
        await server.ask('CONFIG', 'SET', 'maxmemory', '0');
        for (const store of stores) await store.close();
      },
    };
  });
}

describe('a store of replays with a url', () => {
  suiteWith(() => ({ url: server.url }));
});

describe('a store of replays with a client that has its own settings', () => {
  suiteWith(() => ({ client: createClient({ url: server.url, RESP: 3, disableOfflineQueue: true, commandOptions: { timeout: 50 } }) }));
});

test('rule 89: keys hold the hash of a name under the prefix, and expire', async () => {
  const store = await open({ url: server.url, prefix: 'mine' });
  onTestFinished(() => store.close());
  await store.add('a-name', 30);
  const keys = (await server.ask('KEYS', '{mine}:*')) as string[];
  expect(keys).toEqual([expect.stringMatching(/^\{mine\}:[\w-]{43}$/)]);
  expect(await server.ask('GET', keys[0]!)).toBe('');
  const ttlMs = (await server.ask('PTTL', keys[0]!)) as number;
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(30_000);
});

test('rule 306: keys are those of the first release', async () => {
  const store = await open({ url: server.url, prefix: 'pinned' });
  onTestFinished(() => store.close());
  await store.add('name-1', 30, 'owner-1');
  expect(((await server.ask('KEYS', '{pinned}:*')) as string[]).toSorted()).toEqual([
    '{pinned}:owner:ORiHy8-SLhnWct9wBznEo8dONe49V-etl1Bs0zHNlTw',
    '{pinned}:yHNz17MatHPJ2yK5wZB7nq3zJV38eFNbOdJfi9Df-fw',
  ]);
});

test('rule 208: the count of an owner holds a number under a hash, and expires with the first name', async () => {
  const store = await open({ url: server.url, prefix: 'counted', maxPerOwner: 2 });
  onTestFinished(() => store.close());
  for (const name of ['a', 'b', 'c']) await store.add(name, 30, 'an-owner');
  const keys = ((await server.ask('KEYS', '{counted}:*')) as string[]).sort((one, other) => one.length - other.length);
  expect(keys.map((key) => key.replace(/[\w-]{43}$/, 'hash'))).toEqual(['{counted}:hash', '{counted}:hash', '{counted}:owner:hash']);
  expect(await server.ask('GET', keys[2]!)).toBe('2');
  const ttlMs = (await server.ask('PTTL', keys[2]!)) as number;
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(30_000);
});

test('rule 89: the user of the README needs no other permission', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  await server.ask('ACL', 'SETUSER', 'replays', .../ACL SETUSER replays (.*)/.exec(readme)![1]!.split(' '));
  const store = await open({ url: server.url.replace('//', '//replays:secret@') });
  onTestFinished(() => store.close());
  expect([await store.add('x', 60), await store.add('x', 60), await store.add('y', 60, 'one'), await store.add('y', 60, 'one')]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(store.health()).toEqual({ usable: true, lastError: undefined });
});

test('rule 89: a full Redis is noticed and reported, and a name is new when there is room again', async () => {
  const store = await open({ url: server.url, prefix: 'room' });
  onTestFinished(() => store.close());
  await server.ask('CONFIG', 'SET', 'maxmemory', '1');
  expect(await store.add('x', 60)).toBe('full');
  expect(store.health()).toEqual({ usable: false, lastError: `${server.url}: Redis has no memory left for writes` });
  await server.ask('CONFIG', 'SET', 'maxmemory', '0');
  await vi.waitFor(async () => expect(await store.add('x', 60)).toBe(true), { timeout: 10_000, interval: 20 });
  expect(await store.add('x', 60)).toBe(false);
});

test('rules 89 and 139: a Redis that is gone, hangs, or is a replica never says that a name is new, and no error quotes a name', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const replica = await startRedis('--replicaof', '127.0.0.1', String(server.port));
  const urls = ['redis://:PLANTED@127.0.0.1:1', `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, replica.url];
  const stores = urls.map((url) => redisReplays({ url, timeoutSeconds: 0.3 }));
  onTestFinished(async () => {
    for (const store of stores) await store.close();
    silent.close();
    await replica.close();
  });
  for (const store of stores) {
    const error = await store.add('PLANTED', 60).then(
      (answer) => expect.fail(`got ${answer}`),
      (error: unknown) => error,
    );
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('PLANTED');
    expect(store.health().usable).toBe(false);
  }
});

test('a closed store rejects', async () => {
  const store = await open({ url: server.url });
  await store.close();
  await expect(store.add('x', 60)).rejects.toThrow('the store was closed');
});

test('rule 117: a logout token that one process has received is a replay for another', async () => {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const prefix = `logout-${opened++}`;
  const receivers = await Promise.all(
    [0, 1].map(async () => {
      const replays = await open({ url: server.url, prefix });
      const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
      onTestFinished(async () => {
        await guard.close();
        await replays.close();
      });
      return guard.backchannelLogout({ clientId: 'web', replays });
    }),
  );
  const token = await issuer.issueLogoutToken({ clientId: 'web', subject: 'somebody' });
  const message = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(new URLSearchParams({ logout_token: token }).toString()),
  };
  const statuses = [];
  for (const receive of receivers) statuses.push((await receive(message)).status);
  expect(statuses).toEqual([200, 400]);
});

test.each([
  [{}, /^url: is missing/m],
  [{ url: 'http://x' }, /^url: must have the form/m],
  [{ url: 'redis://x', prefix: '' }, /^prefix: /m],
  [{ url: 'redis://x', timeoutSeconds: 0 }, /^timeoutSeconds: /m],
  [{ url: 'redis://x', maxPerOwner: 0 }, /^maxPerOwner: /m],
  [{ url: 'redis://x', maxEntries: 1 }, /^maxEntries: is not an option/m],
])('%j is reported', (options, message) => {
  let problems = '';
  try {
    redisReplays(options);
  } catch (error) {
    problems = (error as { problems: { path: string; message: string }[] }).problems.map(({ path, message }) => `${path}: ${message}`).join('\n');
  }
  expect(problems).toMatch(message);
});
