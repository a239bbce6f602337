import { RevocationStoreError } from '@tokenward/redis';
import { describe, expect, test } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import { closing, eventually, isCurrentAgain, isRevokedIn, openStore, recordOf, useServer, warmStore } from './stores.js';

const server = useServer();

async function openProxy(): Promise<Proxy> {
  return closing(await startProxy(server().port), (proxy) => proxy.close());
}

describe('a network that is bad', () => {
  test('rule 112: one that swallows everything is noticed, and recovered from', async () => {
    const proxy = await openProxy();
    const [one, cut] = await Promise.all([warmStore(server().url), warmStore(proxy.url)]);
    proxy.hang();
    const adding = cut.add(recordOf('from-the-cut'));
    await one.add(recordOf('unseen'));
    await expect(adding).rejects.toBeInstanceOf(RevocationStoreError);
    expect(isRevokedIn(cut, 'from-the-cut')).toBe(true);
    await eventually(() => !cut.isCurrent(), 'it does not pretend to know');
    expect(cut.health().lastError).toMatch(/no answer within 0\.\d+ s/);
    expect(cut.health().ageSeconds).toBeGreaterThan(1);
    proxy.behave();
    await isCurrentAgain(cut);
    expect(isRevokedIn(cut, 'unseen')).toBe(true);
    await eventually(() => isRevokedIn(one, 'from-the-cut'), 'what was revoked there is delivered');
  });

  test('one that resets every connection now and then loses nothing', async () => {
    const proxy = await openProxy();
    const [one, cut] = await Promise.all([warmStore(server().url), warmStore(proxy.url)]);
    for (let at = 0; at < 60; at++) {
      if (at % 10 === 5) proxy.reset();
      await one.add(recordOf(`one-${at}`));
      await Promise.allSettled([cut.add(recordOf(`cut-${at}`))]);
    }
    await eventually(() => one.health().entries === 120 && cut.health().entries === 120, 'both know all');
    await isCurrentAgain(cut);
  });

  test('a slow one delays, and what is said to be known is as old as it is', async () => {
    const proxy = await openProxy();
    const slow = openStore({ url: proxy.url, timeoutSeconds: 2, maxMirrorAgeSeconds: 1 });
    const one = openStore({ url: server().url, timeoutSeconds: 3 });
    await Promise.all([slow.warm(), one.warm()]);
    proxy.delay(600);
    await Promise.all(Array.from({ length: 3000 }, (_value, at) => one.add(recordOf(`session-${at}`))));
    await eventually(() => slow.health().entries === 3000, 'it knows all');
    proxy.delay(1500);
    await eventually(() => !slow.isCurrent(), 'answers that are older than it may be do not count as new');
    const ages: number[] = [];
    await eventually(() => ages.push(slow.health().ageSeconds!) > 250, 'it was looked at for a while');
    expect(Math.min(...ages)).toBeGreaterThan(1);
    proxy.behave();
    await isCurrentAgain(slow);
  });

  test('10,000 revocations in a burst reach all', async () => {
    const stores = [
      openStore({ url: server().url, timeoutSeconds: 10, maxMirrorAgeSeconds: 10 }),
      openStore({ url: server().url, timeoutSeconds: 10, maxMirrorAgeSeconds: 10 }),
    ];
    await Promise.all(stores.map((store) => store.warm()));
    await Promise.all(Array.from({ length: 10_000 }, (_value, at) => stores[at % 2]!.add(recordOf(`session-${at}`))));
    await eventually(() => stores.every((store) => store.health().entries === 10_000 && store.isCurrent()), 'all know all');
    const newcomer = await warmStore(server().url);
    expect(newcomer.health().entries).toBe(10_000);
  });
});
