import { expect, test } from 'vitest';
import { closing, eventually, openStore, ownServer, recordOf, valuesIn } from './stores.js';
import { startProxy } from './proxy.js';

test('the length of unsent revocations is bounded: the oldest are given up, apply here, and are written when Redis is back', async () => {
  const server = await ownServer();
  const proxy = closing(await startProxy(server.port), (proxy) => proxy.close());
  const store = openStore({ url: proxy.url, timeoutSeconds: 60 });
  await store.warm();
  proxy.hang();
  // 34.8 million characters, more than the limit of 33.5 million, in far fewer than 100,000 records
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
  // a tenth of the records that were there when the limit was reached
  expect(settled.get(0)).toBe('given up');
  expect(settled.size).toBeGreaterThan(1000);
  expect(settled.size).toBeLessThan(2000);
  expect([...settled.keys()]).toEqual(Array.from({ length: settled.size }, (_value, at) => at));
  expect(store.health().entries).toBe(count);
  proxy.behave();
  await eventually(async () => (await server.ask('ZCARD', '{tokenward:revocations}:records')) === count + 1, 'all are written');
  expect(await valuesIn(server)).toContain('0'.padStart(2000, '.'));
});
