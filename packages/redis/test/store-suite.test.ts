import { storeSuite } from '@tokenward/testing/store-suite';
import { redisRevocations, type RedisRevocations } from '@tokenward/redis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { seedEpoch, startRedis, type RedisServer } from './redis-server.js';

let server: RedisServer;
let opened = 0;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.close());

function suiteWith(optionsOf: () => object): void {
  storeSuite({ test }, async () => {
    const prefix = `suite-${opened++}`;
    await seedEpoch(server, prefix);
    const open = (): RedisRevocations => redisRevocations({ ...optionsOf(), prefix });
    const stores = [open()];
    return {
      store: stores[0]!,
      async openAnother() {
        stores.push(open());
        return stores.at(-1)!;
      },
      async close() {
        await Promise.all(stores.map((store) => store.close()));
      },
    };
  });
}

describe('a store with a url', () => {
  suiteWith(() => ({ url: server.url }));
});

describe('a store with a client that has its own settings', () => {
  suiteWith(() => ({ client: createClient({ url: server.url, RESP: 3, disableOfflineQueue: true, keyPrefix: 'theirs:', commandOptions: { timeout: 50 } }) }));
});
