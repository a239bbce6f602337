export { redisRevocations, type RedisRevocations } from './redis-revocations.js';
export type { DuplicableClient, RedisRevocationsOptions } from './options.js';
export { RevocationStoreError } from '@tokenward/core';
export type { RevocationHealth, RevocationRecord, RevocationStore } from '@tokenward/core/store';
