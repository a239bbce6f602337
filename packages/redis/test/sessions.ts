import { createHash, randomBytes } from 'node:crypto';
import { redisSessions, type RedisSessionsOptions, type SessionStore, type StoredSession } from '@tokenward/redis';
import { closing } from './stores.js';

/** Opens a store with a generous time-out, so that a busy machine does not look like an outage. */
export function openSessions(options: RedisSessionsOptions): SessionStore {
  return closing(redisSessions({ timeoutSeconds: 20, ...options }), (store) => store.close());
}

export function hashOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Returns a session that has just begun. Its key is new. */
export function storedSession(overrides: Partial<StoredSession> = {}): StoredSession {
  return {
    key: hashOf(randomBytes(32)),
    sealed: 'sealed-1',
    version: 1,
    until: Math.floor(Date.now() / 1000) + 3600,
    issuedAt: Math.floor(Date.now() / 1000) - 1,
    labels: [hashOf('sid-1'), hashOf('sub-1')],
    ...overrides,
  };
}
