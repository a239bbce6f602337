export { redisRevocations, type RedisRevocations } from './redis-revocations.js';
export type { RedisRevocationsOptions } from './options.js';
export { redisSessions } from './redis-sessions.js';
export type { DuplicableClient } from './server-options.js';
export type { RedisSessionsOptions } from './session-options.js';
export { RevocationStoreError } from '@tokenward/core';
export { SessionStoreError } from '@tokenward/core/store';
export type { RevocationHealth, RevocationRecord, RevocationStore, SessionStore, SessionStoreHealth, StoredSession } from '@tokenward/core/store';
