import { systemClock } from '@tokenward/core/adapter';
import { memoryReplays } from '@tokenward/core/store';
import { replayStoreSuite } from '@tokenward/testing/store-suite';
import { describe, test } from 'vitest';

const ROOM = 200;

describe('memoryReplays', () => {
  replayStoreSuite({ test }, async () => {
    const store = memoryReplays(systemClock, ROOM);
    return {
      store,
      async fill() {
        for (let index = 0; index < ROOM; index++) await store.add(`filling-${index}`, 60);
      },
      ownerLimit: ROOM / 2,
      close: async () => {},
    };
  });
});
