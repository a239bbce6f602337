import { describe, expect, test } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import { closing, eventually, heard, isCurrentAgain, isRevokedIn, KEYS, nowSeconds, openStore, recordOf, useServer, valuesIn, warmStore } from './stores.js';

const server = useServer();

async function openProxy(): Promise<Proxy> {
  return closing(await startProxy(server().port), (proxy) => proxy.close());
}

/** Puts so many sessions into Redis, as if they had been revoked long ago. */
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
  test('rule 115: a process answers again long before everything is written back, and a new one waits for it', async () => {
    await seed(10_000);
    const proxy = await openProxy();
    const store = openStore({ url: proxy.url, timeoutSeconds: 3, maxMirrorAgeSeconds: 10 });
    await store.warm();
    expect(store.health().entries).toBe(10_000);
    // each of some forty portions takes so long
    proxy.delay(100);
    await server().ask('FLUSHALL');
    await eventually(() => !store.isCurrent(), 'the loss is seen');
    await isCurrentAgain(store);
    expect(await countIn()).toBeLessThan(9000);
    expect(isRevokedIn(store, 'old-9999')).toBe(true);
    const newcomer = openStore({ url: server().url, timeoutSeconds: 10 });
    await newcomer.warm();
    expect(newcomer.health().entries).toBe(10_000);
    expect(await countIn()).toBe(10_001);
  });

  test('rule 115: the processes share it: each record is written about once', async () => {
    await seed(20_000);
    const stores = Array.from({ length: 4 }, () => openStore({ url: server().url, timeoutSeconds: 10, maxMirrorAgeSeconds: 10 }));
    await Promise.all(stores.map((store) => store.warm()));
    await server().ask('CONFIG', 'RESETSTAT');
    await server().ask('FLUSHALL');
    await eventually(async () => (await countIn()) === 20_001, 'all is written back', 20_000);
    const stats = String(await server().ask('INFO', 'commandstats'));
    expect(Number(/cmdstat_zadd:calls=(\d+)/.exec(stats)![1])).toBeLessThan(30_000);
    await Promise.all(stores.map(isCurrentAgain));
    await eventually(async () => (await server().ask('ZCOUNT', KEYS.restoring, '0', '+inf')) === 0, 'nobody is waited for any more');
  });

  test('rule 115: what one process learned right before the loss is written first, and the others wait for it', async () => {
    await seed(30_000);
    const [proxyOfOne, proxyOfCut] = [await openProxy(), await openProxy()];
    const one = openStore({ url: proxyOfOne.url, timeoutSeconds: 3, maxMirrorAgeSeconds: 10 });
    const cut = openStore({ url: proxyOfCut.url, timeoutSeconds: 0.4, maxMirrorAgeSeconds: 10 });
    await Promise.all([one.warm(), cut.warm().catch(() => isCurrentAgain(cut))]);
    proxyOfCut.hang();
    await one.add(recordOf('right-before'));
    await server().ask('FLUSHALL');
    // what it writes back takes seconds now
    proxyOfOne.delay(60);
    proxyOfCut.behave();
    proxyOfCut.delay(60);
    await eventually(() => !cut.isCurrent() || cut.health().entries > 30_000, 'the loss is seen, or it knows');
    await eventually(() => {
      // until it knows, it must not say that it does
      expect(cut.isCurrent() && !isRevokedIn(cut, 'right-before')).toBe(false);
      return cut.isCurrent();
    }, 'it answers again');
    expect(isRevokedIn(cut, 'right-before')).toBe(true);
    expect(await countIn()).toBeLessThan(30_000);
  });

  test('rule 115: data that is lost again and again in a burst of revocations: nobody who answers lacks one for long', async () => {
    const stores = await Promise.all([0, 1, 2].map(() => warmStore(server().url)));
    const acknowledged: { readonly value: string; readonly atMs: number }[] = [];
    let late = 0;
    const watch = setInterval(() => {
      const now = performance.now();
      for (const { value } of acknowledged.filter(({ atMs }) => now - atMs > 1500).slice(-200)) {
        for (const store of stores) if (store.isCurrent() && !isRevokedIn(store, value)) late++;
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
    await eventually(async () => (await valuesIn(server())).length === 1200, 'all is there', 15_000);
    await Promise.all(stores.map(isCurrentAgain));
    await eventually(() => stores.every((store) => store.health().entries === 1200), 'all know all');
    expect(acknowledged.length).toBeGreaterThan(600);
    expect(late).toBe(0);
  });

  test('a process that reads everything anew says so, once, and says why', async () => {
    const store = await warmStore(server().url);
    await store.add(recordOf('session-1'));
    const failed = heard('tokenward:revocations-failed');
    await server().ask('FLUSHALL');
    await eventually(() => !store.isCurrent(), 'the loss is seen');
    expect(store.health()).toMatchObject({ usable: false, lastError: expect.stringContaining('its data was lost or replaced') });
    await isCurrentAgain(store);
    await eventually(() => store.health().lastError === undefined, 'the trouble is over');
    expect(failed).toEqual([{ message: expect.stringContaining('its data was lost or replaced'), usable: false }]);
  });

  test('what was written back leaves the stream again, and nobody misses it', async () => {
    await seed(2000);
    const store = await warmStore(server().url);
    await server().ask('FLUSHALL');
    await eventually(async () => (await countIn()) === 2001, 'all is written back');
    await isCurrentAgain(store);
    expect(await server().ask('XLEN', KEYS.stream)).toBeLessThan(60);
    // as if a minute had passed: the mark says when the last of it was written
    const written = Number(await server().ask('ZSCORE', KEYS.restoring, 'trim'));
    expect(written).toBeLessThan(-1_700_000_000);
    await server().ask('ZADD', KEYS.restoring, String(written + 120), 'trim');
    await store.add(recordOf('later'));
    const synced = heard('tokenward:revocations-synced');
    // whoever begins trims
    const newcomer = await warmStore(server().url);
    expect(newcomer.health().entries).toBe(2001);
    await eventually(async () => (await server().ask('ZSCORE', KEYS.restoring, 'trim')) === null, 'it was looked after');
    await store.add(recordOf('last'));
    await eventually(() => isRevokedIn(newcomer, 'last'), 'it is told');
    expect(store.isCurrent() && synced.length === 1).toBe(true);
  });
});
