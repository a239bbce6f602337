import { RevocationStoreError, type RedisRevocations } from '@tokenward/redis';
import { describe, expect, test } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import {
  agingStores,
  closing,
  eventually,
  heard,
  isCurrentAgain,
  isRevokedIn,
  nextAnswer,
  KEYS,
  nowSeconds,
  openStore,
  ownServer,
  recordOf,
  useServer,
  valuesIn,
  warmStore,
} from './stores.js';

const server = useServer();

async function openProxy(): Promise<Proxy> {
  return closing(await startProxy(server().port), (proxy) => proxy.close());
}

describe('a server that dies', () => {
  test('rule 115: after a restart with its data, revocations from the outage are delivered', async () => {
    const durable = await ownServer('--appendonly', 'yes', '--appendfsync', 'always');
    const { stores, expire } = await agingStores(durable.url, durable.url);
    const [one, other] = stores as [RedisRevocations, RedisRevocations];
    const failed = heard('tokenward:revocations-failed');
    await one.add(recordOf('before'));
    await eventually(() => isRevokedIn(other, 'before'), 'the other knows it');
    await durable.kill();
    const adding = one.add(recordOf('meanwhile'));
    expect(isRevokedIn(one, 'meanwhile')).toBe(true);
    await expect(adding).rejects.toThrow('the revocation is in effect in this process only');
    await eventually(() => failed.length >= 2, 'both report the outage');
    expire();
    expect(one.isCurrent() || other.isCurrent()).toBe(false);
    await eventually(() => failed.length >= 4, 'both report that tokens can no longer be checked');
    // each store reports the outage once and its consequence once, although both reading and writing fail
    expect(failed.map(({ usable }) => usable)).toEqual([true, true, false, false]);
    expect(failed.at(-1)!.message).toMatch(/the connection/);
    await durable.start();
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    await eventually(() => isRevokedIn(other, 'meanwhile'), 'the other learns it');
    expect(await valuesIn(durable)).toEqual(['before', 'meanwhile']);
  });

  test('rule 115: after a restart without data, running processes write back what they know, and a new process reads it', async () => {
    const volatile = await ownServer();
    const [one, other] = await Promise.all([warmStore(volatile.url), warmStore(volatile.url)]);
    await Promise.all(Array.from({ length: 300 }, (_value, at) => one.add(recordOf(`session-${at}`))));
    await eventually(() => other.health().entries === 300, 'the other knows it');
    await volatile.kill();
    await expect(one.add(recordOf('last'))).rejects.toBeInstanceOf(RevocationStoreError);
    await volatile.start();
    const newcomer = openStore({ url: volatile.url });
    await newcomer.warm();
    expect(newcomer.health().entries).toBe(301);
    expect(isRevokedIn(newcomer, 'session-0') && isRevokedIn(newcomer, 'last')).toBe(true);
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    expect(isRevokedIn(other, 'last')).toBe(true);
    expect((await valuesIn(volatile)).length).toBe(301);
  });

  test('rule 115: a server that was restored from a backup gets back what it lost', async () => {
    const [stores, [first, second, third]] = await threeRevoked();
    const synced = heard('tokenward:revocations-synced');
    await restore([second!, third!], [first!]);
    await eventually(async () => (await valuesIn(server())).length === 3, 'lost records are there again');
    await eventually(() => synced.length > 0, 'everything was read again');
    await Promise.all(stores.map(isCurrentAgain));
  });

  test('rule 115: a server that lost its last entry and added another one loses neither', async () => {
    const [stores, [first, second, third]] = await threeRevoked();
    const [milliseconds, sequence] = second![0].split('-');
    const another = JSON.stringify(['session', 'https://login.example.test', 'another', nowSeconds(), nowSeconds() + 60, 0, 'logout']);
    await restore([third!], [first!, second!, [`${milliseconds}-${Number(sequence) + 1}`, ['r', another]]]);
    await eventually(() => stores.every((store) => isRevokedIn(store, 'another')), 'all know the entry that took the place of the lost one');
    await eventually(async () => (await valuesIn(server())).length === 4, 'lost records are there again');
    await Promise.all(stores.map(isCurrentAgain));
  });
});

test('rule 115: a process that waits for entries notices that the server lost one, although another process has written it back', async () => {
  const [[one, other], [first, second, third]] = await threeRevoked();
  // only this one is left waiting, behind the loss and what follows it
  await one!.close();
  await nextAnswer(other!);
  await nextAnswer(other!);
  const [milliseconds, sequence] = second![0].split('-');
  const another = JSON.stringify(['session', 'https://login.example.test', 'another', nowSeconds(), nowSeconds() + 60, 0, 'logout']);
  const writtenBack = `${Date.now() + 1000}-0`;
  await restore([third!], [first!, second!, [`${milliseconds}-${Number(sequence) + 1}`, ['r', another]], [writtenBack, third![1]]]);
  await eventually(() => isRevokedIn(other!, 'another'), 'it knows the entry that took the place of the lost one');
});

type Entry = readonly [string, readonly string[]];

/** Returns two stores that know three revocations, and the entries in the stream. */
async function threeRevoked(): Promise<[RedisRevocations[], Entry[]]> {
  const stores = await Promise.all([warmStore(server().url), warmStore(server().url)]);
  for (const at of [0, 1, 2]) {
    await stores[0].add(recordOf(`session-${at}`));
    // so that no two ids have the same millisecond
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually(() => stores.every((store) => store.health().entries === 3 && store.isCurrent()), 'both know');
  return [stores, (await server().ask('XRANGE', KEYS.stream, '-', '+')) as Entry[]];
}

/** Removes records and replaces the stream, and keeps the epoch. */
async function restore(lost: readonly Entry[], kept: readonly Entry[]): Promise<void> {
  const texts = JSON.stringify(lost.map(([, [, text]]) => text));
  await server().ask('EVAL', RESTORE, '2', KEYS.records, KEYS.stream, texts, ...kept.flatMap(([id, [, text]]) => [id, text!]));
}

const RESTORE = `
for _, text in ipairs(cjson.decode(ARGV[1])) do redis.call('ZREM', KEYS[1], text) end
redis.call('DEL', KEYS[2])
for at = 2, #ARGV, 2 do 
  redis.call('XADD', KEYS[2], ARGV[at], 'r', ARGV[at + 1])
  redis.call('ZADD', KEYS[1], 'NX', 9999999999, ARGV[at + 1])
end
return 1
`;

describe('data that is lost while processes run', () => {
  test('rule 115: after FLUSHALL everything is written back, and a process that is current knows it', async () => {
    const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
    await Promise.all(Array.from({ length: 200 }, (_value, at) => one.add(recordOf(`session-${at}`))));
    await eventually(() => other.health().entries === 200, 'the other knows it');
    await server().ask('FLUSHALL');
    await other.add(recordOf('after'));
    await eventually(async () => (await valuesIn(server())).length === 201, 'everything is written back');
    await eventually(() => isRevokedIn(one, 'after'), 'the first knows it');
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    expect([one, other].every((store) => isRevokedIn(store, 'session-7'))).toBe(true);
  });

  test.each([KEYS.records, KEYS.stream, KEYS.epoch])('rule 115: the loss of %s is noticed and repaired', async (key) => {
    const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
    await one.add(recordOf('session-1'));
    await eventually(() => isRevokedIn(other, 'session-1'), 'the other knows it');
    const synced = heard('tokenward:revocations-synced');
    await server().ask('DEL', key);
    await eventually(() => synced.length >= 2, 'both have read everything again');
    await eventually(async () => (await valuesIn(server())).length === 1, 'it is in Redis');
    await other.add(recordOf('session-2'));
    await eventually(() => isRevokedIn(one, 'session-2'), 'a new revocation reaches the other');
    const newcomer = await warmStore(server().url);
    expect(newcomer.health().entries).toBe(2);
  });

  test('rule 115: revocations that are added while lost ones are written back hide none of them', async () => {
    const one = openStore({ url: server().url });
    await one.warm();
    const values = Array.from({ length: 12_000 }, (_value, at) => `session-${at}`);
    await Promise.all(values.map((value) => one.add(recordOf(value))));
    await server().ask('FLUSHALL');
    for (let at = 0; at < 600; at++) {
      void one.add(recordOf(`token-${at}`, { kind: 'token' })).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await eventually(async () => (await valuesIn(server())).length === values.length + 600, 'all are in Redis');
  });

  test('rule 115: notices that records were replaced by others, while new ones keep arriving', async () => {
    const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
    await one.add(recordOf('session-1'));
    const text = JSON.stringify(['session', 'https://login.example.test', 'another', nowSeconds(), nowSeconds() + 3600, 0, 'logout']);
    const replace = "redis.call('DEL', KEYS[1]); redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])";
    await server().ask('EVAL', replace, '1', KEYS.records, String(nowSeconds() + 3600), text);
    for (let at = 0; at < 20; at++) await other.add(recordOf(`later-${at}`));
    await eventually(async () => (await valuesIn(server())).includes('session-1'), 'it is in Redis again');
    expect(isRevokedIn(await warmStore(server().url), 'session-1')).toBe(true);
  });

  test('rule 115: a process that was cut off when data was lost waits for those that know it', async () => {
    const volatile = await ownServer();
    const [proxyOfOne, proxyOfCut] = [
      closing(await startProxy(volatile.port), (proxy) => proxy.close()),
      closing(await startProxy(volatile.port), (proxy) => proxy.close()),
    ];
    const { stores, expire } = await agingStores(proxyOfOne.url, proxyOfCut.url);
    const [one, cut] = stores as [RedisRevocations, RedisRevocations];
    proxyOfCut.refuse();
    await one.add(recordOf('session-1'));
    expire();
    proxyOfOne.refuse();
    await volatile.kill();
    await volatile.start();
    proxyOfCut.behave();
    const end = Date.now() + 800;
    while (Date.now() < end) {
      expect(cut.isCurrent() && !isRevokedIn(cut, 'session-1')).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    proxyOfOne.behave();
    await eventually(() => cut.isCurrent() || cut.health().lastError, 'it is current again');
    expect(isRevokedIn(cut, 'session-1')).toBe(true);
  });

  test('rule 115: a process reads everything if the stream was trimmed while it was cut off', async () => {
    const proxy = await openProxy();
    const [one, cut] = await Promise.all([warmStore(server().url), warmStore(proxy.url)]);
    await one.add(recordOf('session-0'));
    await eventually(() => isRevokedIn(cut, 'session-0'), 'it knows it');
    proxy.refuse();
    for (const at of [1, 2, 3, 4]) await one.add(recordOf(`session-${at}`));
    await server().ask('XTRIM', KEYS.stream, 'MAXLEN', '1');
    const synced = heard('tokenward:revocations-synced');
    proxy.behave();
    await eventually(() => synced.length > 0, 'it has read everything');
    expect([0, 1, 2, 3, 4].every((at) => isRevokedIn(cut, `session-${at}`))).toBe(true);
    expect(cut.isCurrent()).toBe(true);
  });

  test('a process does not read everything if only entries that it knows were trimmed', async () => {
    const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
    for (const at of [0, 1, 2]) await one.add(recordOf(`session-${at}`));
    await eventually(() => other.health().entries === 3, 'the other knows it');
    const synced = heard('tokenward:revocations-synced');
    await server().ask('XTRIM', KEYS.stream, 'MAXLEN', '0');
    await one.add(recordOf('session-3'));
    await eventually(() => isRevokedIn(other, 'session-3'), 'the other knows it');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(synced).toEqual([]);
    expect(one.isCurrent() && other.isCurrent()).toBe(true);
  });

  test('a process reads everything if an entry was deleted before it was read', async () => {
    const proxy = await openProxy();
    const [one, cut] = await Promise.all([warmStore(server().url), warmStore(proxy.url)]);
    proxy.refuse();
    for (const at of [1, 2]) await one.add(recordOf(`session-${at}`));
    const entries = (await server().ask('XRANGE', KEYS.stream, '-', '+')) as [string, string[]][];
    await server().ask('XDEL', KEYS.stream, entries[0]![0]);
    const synced = heard('tokenward:revocations-synced');
    proxy.behave();
    await eventually(() => synced.length > 0, 'it has read everything');
    expect(isRevokedIn(cut, 'session-1') && isRevokedIn(cut, 'session-2')).toBe(true);
  });
});
