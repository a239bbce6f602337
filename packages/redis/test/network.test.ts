import { RevocationStoreError } from '@tokenward/redis';
import { describe, expect, test } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import { closing, eventually, isCurrentAgain, isRevokedIn, nextAnswer, openStore, recordOf, useServer, warmStore } from './stores.js';

const server = useServer();

async function openProxy(): Promise<Proxy> {
  return closing(await startProxy(server().port), (proxy) => proxy.close());
}

describe('a bad network', () => {
  test('rule 112: notices a network that drops everything, and recovers', async () => {
    const proxy = await openProxy();
    const one = await warmStore(server().url);
    const cut = openStore({ url: proxy.url, timeoutSeconds: 1, maxMirrorAgeSeconds: 2 });
    await isCurrentAgain(cut);
    proxy.hang();
    const adding = cut.add(recordOf('from-the-cut'));
    await one.add(recordOf('unseen'));
    await expect(adding).rejects.toBeInstanceOf(RevocationStoreError);
    expect(isRevokedIn(cut, 'from-the-cut')).toBe(true);
    await eventually(() => !cut.isCurrent(), 'it is no longer current');
    await eventually(() => /no answer within [\d.]+ s/.test(cut.health().lastError ?? ''), 'it reports the time-out');
    expect(cut.health().ageSeconds).toBeGreaterThan(2);
    proxy.behave();
    await isCurrentAgain(cut);
    expect(isRevokedIn(cut, 'unseen')).toBe(true);
    await eventually(() => isRevokedIn(one, 'from-the-cut'), 'its revocation is delivered');
  });

  test('loses nothing while connections are reset again and again', async () => {
    const proxy = await openProxy();
    const [one, cut] = await Promise.all([warmStore(server().url), warmStore(proxy.url)]);
    for (let at = 0; at < 60; at++) {
      if (at % 10 === 5) proxy.reset();
      await one.add(recordOf(`one-${at}`));
      await Promise.allSettled([cut.add(recordOf(`cut-${at}`))]);
    }
    await eventually(() => one.health().entries === 120 && cut.health().entries === 120, 'both know all of them');
    await isCurrentAgain(cut);
  });

  test('counts the age of an answer from when it was asked for', async () => {
    const proxy = await openProxy();
    const slow = openStore({ url: proxy.url, maxMirrorAgeSeconds: 1 });
    const one = openStore({ url: server().url });
    await Promise.all([slow.warm(), one.warm()]);
    proxy.delay(600);
    await Promise.all(Array.from({ length: 3000 }, (_value, at) => one.add(recordOf(`session-${at}`))));
    await eventually(() => slow.health().entries === 3000, 'it knows all of them');
    proxy.delay(1500);
    // the first answer may have been asked for before
    await nextAnswer(slow);
    expect(await nextAnswer(slow)).toBeGreaterThan(1);
    expect(slow.isCurrent()).toBe(false);
    proxy.behave();
    await isCurrentAgain(slow);
  });

  test('10,000 revocations in a burst reach all processes', async () => {
    const stores = [openStore({ url: server().url }), openStore({ url: server().url })];
    await Promise.all(stores.map((store) => store.warm()));
    await Promise.all(Array.from({ length: 10_000 }, (_value, at) => stores[at % 2]!.add(recordOf(`session-${at}`))));
    await eventually(() => stores.every((store) => store.health().entries === 10_000 && store.isCurrent()), 'all know all of them');
    const newcomer = await warmStore(server().url);
    expect(newcomer.health().entries).toBe(10_000);
  });
});
