import { redisRevocations, redisSessions } from '@tokenward/redis';

/** What the processes of a fleet share, ready for use. */
export interface RedisStores {
  readonly store: ReturnType<typeof redisSessions>;
  readonly revocations: ReturnType<typeof redisRevocations>;
}

/** @param atEnd takes what closes them */
export async function openRedisStores(url: string, atEnd: (close: () => Promise<void>) => void): Promise<RedisStores> {
  const store = redisSessions({ url });
  const revocations = redisRevocations({ url });
  atEnd(async () => {
    await store.close();
    await revocations.close();
  });
  await Promise.all([store.warm(), revocations.warm()]);
  return { store, revocations };
}
