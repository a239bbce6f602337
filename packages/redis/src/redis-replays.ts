import { createHash } from 'node:crypto';
import { misuse, type ReplayAnswer, type ReplayStore } from '@tokenward/core/store';
import type { Reply } from './connection.js';
import { openKeyedStore, type KeyedStoreLife } from './keyed-store.js';
import type { RedisReplaysOptions } from './replay-options.js';
import { StoreFailure } from './store-failure.js';

/** A store of names that may be used once, in Redis. */
export interface RedisReplays extends ReplayStore, KeyedStoreLife {
  /** @throws Error if Redis does not confirm within the timeout. The name may have been added nevertheless */
  add(name: string, ttlSeconds: number): Promise<ReplayAnswer>;
}

/**
 * Creates a store of DPoP proofs, logout tokens and security events that were used, for all processes that use the same Redis and prefix. It connects at once and
 * retries until it is closed. If Redis is down or full, it never says that a name is new: requests with a DPoP proof get 503.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const replays = redisReplays({ url: 'rediss://redis.example.com:6379' });
 * const guard = createGuard({ issuer, audience, dpop: { replays } });
 */
export function redisReplays(options: RedisReplaysOptions): RedisReplays {
  const { keyOf, send, life } = openKeyedStore(options, {
    defaultPrefix: 'tokenward:replays',
    what: 'replays',
    // it adds nothing, and a replica refuses it like every write
    probe: (keyOf) => ['SET', keyOf('probe'), '', 'XX', 'PX', '1'],
  });
  return Object.freeze({
    async add(name, ttlSeconds) {
      if (!(ttlSeconds > 0 && ttlSeconds < Infinity)) throw misuse('add()', 'ttlSeconds must be a finite number greater than 0');
      let reply: Reply;
      try {
        // one command, so that of several processes only one hears that the name is new. Rounded up: a name must not be forgotten early
        reply = await send(['SET', keyOf(digestOf(name)), '', 'NX', 'PX', String(Math.ceil(ttlSeconds * 1000))]);
      } catch (error) {
        if (error instanceof StoreFailure && error.code === 'OOM') return 'full';
        throw error;
      }
      if (reply !== 'OK' && reply !== null) throw new StoreFailure('the server sent an unexpected reply');
      return reply === 'OK';
    },
    ...life,
  } satisfies RedisReplays);
}

/** Keys have one length, whatever a name contains. */
function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
