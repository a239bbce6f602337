import { redisSessions, type SessionStore } from '@tokenward/redis';
import { sessionStoreSuite } from '@tokenward/testing/store-suite';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { startRedis, type RedisServer } from './redis-server.js';

let server: RedisServer;
let opened = 0;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.close());

function suiteWith(optionsOf: () => object): void {
  sessionStoreSuite({ test }, async () => {
    const prefix = `suite-${opened++}`;
    const open = (): SessionStore => redisSessions({ timeoutSeconds: 20, ...optionsOf(), prefix });
    const stores = [open()];
    return {
      store: stores[0]!,
      async openAnother() {
        stores.push(open());
        return stores.at(-1)!;
      },
      async close() {
        for (const store of stores) await store.close();
      },
    };
  });
}

describe('a store of sessions with a url', () => {
  suiteWith(() => ({ url: server.url }));
});

describe('a store of sessions with a client that has its own settings', () => {
  suiteWith(() => ({ client: createClient({ url: server.url, RESP: 3, disableOfflineQueue: true, keyPrefix: 'theirs:', commandOptions: { timeout: 50 } }) }));
});
