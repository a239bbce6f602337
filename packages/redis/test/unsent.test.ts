import { expect, test } from 'vitest';
import { closing, eventually, openStore, ownServer, recordOf, valuesIn } from './stores.js';
import { startProxy } from './proxy.js';

test('what waits to be sent is bounded by its length, too: the oldest is given up at once, holds here, and is written when Redis is back', async () => {
  const server = await ownServer();
  const proxy = closing(await startProxy(server.port), (proxy) => proxy.close());
  const store = openStore({ url: proxy.url, timeoutSeconds: 30, maxMirrorAgeSeconds: 60 });
  await store.warm();
  proxy.hang();
  // 34.8 million characters of at most 33.5 million, in far fewer than 100,000 records
  const count = 17_000;
  const settled = new Map<number, string>();
  for (let at = 0; at < count; at++) {
    const adding = store.add(recordOf(`${at}`.padStart(2000, '.')));
    adding.then(
      () => settled.set(at, 'sent'),
      () => settled.set(at, 'given up'),
    );
  }
  await eventually(() => settled.size > 0, 'some are given up');
  // the oldest tenth, of those that there were when the bound was met
  expect(settled.get(0)).toBe('given up');
  expect(settled.size).toBeGreaterThan(1000);
  expect(settled.size).toBeLessThan(2000);
  expect([...settled.keys()]).toEqual(Array.from({ length: settled.size }, (_value, at) => at));
  expect(store.health().entries).toBe(count);
  proxy.behave();
  await eventually(async () => (await server.ask('ZCARD', '{tokenward:revocations}:records')) === count + 1, 'all are written', 30_000);
  expect(await valuesIn(server)).toContain('0'.padStart(2000, '.'));
}, 60_000);
