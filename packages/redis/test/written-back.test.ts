import { createTestClock } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import { closing, eventually, heard, isCurrentAgain, isRevokedIn, KEYS, nowSeconds, openStore, recordOf, useServer, valuesIn, warmStore } from './stores.js';

const server = useServer();

async function openProxy(): Promise<Proxy> {
  return closing(await startProxy(server().port), (proxy) => proxy.close());
}

/** Puts revocations of sessions into Redis, as if they had been there for long. */
async function seed(count: number): Promise<void> {
  const now = nowSeconds();
  const members = Array.from({ length: count }, (_value, at) => [
    String(now + 3600),
    JSON.stringify(['session', 'https://login.example.test', `old-${at}`, now, now + 3600, 0, 'logout']),
  ]);
  await server().ask('ZADD', KEYS.records, ...members.flat());
}

async function countIn(): Promise<number> {
  return (await server().ask('ZCARD', KEYS.records)) as number;
}

describe('writing back after a loss', () => {
  test('rule 115: a running process answers again before everything is written back, and a new one waits for it', async () => {
    await seed(10_000);
    const proxy = await openProxy();
    const store = openStore({ url: proxy.url });
    await store.warm();
    expect(store.health().entries).toBe(10_000);
    // each of about forty portions takes this long
    proxy.delay(100);
    await server().ask('FLUSHALL');
    await eventually(() => !store.isCurrent(), 'the loss is noticed');
    await isCurrentAgain(store);
    expect(await countIn()).toBeLessThan(9000);
    expect(isRevokedIn(store, 'old-9999')).toBe(true);
    const newcomer = openStore({ url: server().url });
    await newcomer.warm();
    expect(newcomer.health().entries).toBe(10_000);
    expect(await countIn()).toBe(10_001);
  });

  test('rule 115: the processes share the work: no record is written twice on average', async () => {
    await seed(20_000);
    const stores = Array.from({ length: 4 }, () => openStore({ url: server().url }));
    await Promise.all(stores.map((store) => store.warm()));
    await server().ask('CONFIG', 'RESETSTAT');
    await server().ask('FLUSHALL');
    await eventually(async () => (await countIn()) === 20_001, 'everything is written back');
    const stats = String(await server().ask('INFO', 'commandstats'));
    // without sharing, four processes write 80,000 times
    expect(Number(/cmdstat_zadd:calls=(\d+)/.exec(stats)![1])).toBeLessThan(40_000);
    await Promise.all(stores.map(isCurrentAgain));
    await eventually(async () => (await server().ask('ZCOUNT', KEYS.restoring, '0', '+inf')) === 0, 'no process is waited for');
  });

  test('rule 115: what one process learned right before the loss is written first, and the others wait for it', async () => {
    await seed(30_000);
    const [proxyOfOne, proxyOfCut] = [await openProxy(), await openProxy()];
    const one = openStore({ url: proxyOfOne.url });
    // its clock stands still: a process that was cut off for seconds waits for everything
    const cut = openStore({ url: proxyOfCut.url, clock: createTestClock() });
    await Promise.all([one.warm(), cut.warm()]);
    proxyOfCut.hang();
    await one.add(recordOf('right-before'));
    await server().ask('FLUSHALL');
    // writing back takes seconds now
    proxyOfOne.delay(100);
    proxyOfCut.behave();
    proxyOfCut.delay(100);
    await eventually(() => !cut.isCurrent() || cut.health().entries > 30_000, 'the loss is noticed, or it knows');
    const answersOnlyIfItKnows = (): void => expect(cut.isCurrent() && !isRevokedIn(cut, 'right-before')).toBe(false);
    await eventually(async () => {
      answersOnlyIfItKnows();
      return (await valuesIn(server())).includes('right-before');
    }, 'it is written');
    // now only the process that was cut off writes back, which takes at least 12 s
    proxyOfOne.refuse();
    await eventually(() => {
      answersOnlyIfItKnows();
      return cut.isCurrent();
    }, 'it answers again');
    expect(isRevokedIn(cut, 'right-before')).toBe(true);
    expect(await countIn()).toBeLessThan(30_000);
    // close() sends what is left
    proxyOfCut.behave();
  });

  test('rule 115: in a burst of revocations and repeated losses of data, no process that answers lacks one for long', async () => {
    const stores = await Promise.all([0, 1, 2].map(() => warmStore(server().url)));
    const acknowledged: { readonly value: string; readonly atMs: number }[] = [];
    let lateCount = 0;
    const watch = setInterval(() => {
      const now = performance.now();
      for (const { value } of acknowledged.filter(({ atMs }) => now - atMs > 3000).slice(-200)) {
        for (const store of stores) if (store.isCurrent() && !isRevokedIn(store, value)) lateCount++;
      }
    }, 20);
    closing(watch, clearInterval);
    for (let at = 0; at < 1200; at++) {
      if (at % 300 === 150) await server().ask('FLUSHALL');
      const value = `burst-${at}`;
      void stores[at % 3]!.add(recordOf(value)).then(
        () => acknowledged.push({ value, atMs: performance.now() }),
        () => {},
      );
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await eventually(async () => (await valuesIn(server())).length === 1200, 'all are in Redis');
    await Promise.all(stores.map(isCurrentAgain));
    await eventually(() => stores.every((store) => store.health().entries === 1200), 'all know all of them');
    expect(acknowledged.length).toBeGreaterThan(600);
    expect(lateCount).toBe(0);
  });

  test('a process that reads everything again reports it once, with the reason', async () => {
    const store = await warmStore(server().url);
    await store.add(recordOf('session-1'));
    const failed = heard('tokenward:revocations-failed');
    await server().ask('FLUSHALL');
    await eventually(() => !store.isCurrent(), 'the loss is noticed');
    expect(store.health()).toMatchObject({ usable: false, lastError: expect.stringContaining('the data in Redis was lost or replaced') });
    await isCurrentAgain(store);
    await eventually(() => store.health().lastError === undefined, 'the outage is over');
    expect(failed).toEqual([{ message: expect.stringContaining('the data in Redis was lost or replaced'), usable: false }]);
  });

  test('entries that were written back are trimmed from the stream later, and no process misses them', async () => {
    await seed(2000);
    const store = await warmStore(server().url);
    await server().ask('FLUSHALL');
    await eventually(async () => (await countIn()) === 2001, 'everything is written back');
    await isCurrentAgain(store);
    expect(await server().ask('XLEN', KEYS.stream)).toBeLessThan(60);
    // as if two minutes had passed: the score is when the last of them was written
    const written = Number(await server().ask('ZSCORE', KEYS.restoring, 'trim'));
    expect(written).toBeLessThan(-1_700_000_000);
    await server().ask('ZADD', KEYS.restoring, String(written + 120), 'trim');
    await store.add(recordOf('later'));
    const synced = heard('tokenward:revocations-synced');
    // a process that starts trims the stream
    const newcomer = await warmStore(server().url);
    expect(newcomer.health().entries).toBe(2001);
    await eventually(async () => (await server().ask('ZSCORE', KEYS.restoring, 'trim')) === null, 'the stream was trimmed');
    await store.add(recordOf('last'));
    await eventually(() => isRevokedIn(newcomer, 'last'), 'the newcomer knows it');
    expect(store.isCurrent() && synced.length === 1).toBe(true);
  });
});
