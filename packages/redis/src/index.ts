export { redisRevocations, type RedisRevocations } from './redis-revocations.js';
export type { DuplicableClient, RedisRevocationsOptions } from './options.js';
export { RevocationStoreError, type RevocationHealth, type RevocationRecord, type RevocationStore } from '@tokenward/core';
