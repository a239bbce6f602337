import { createHash } from 'node:crypto';
import { assertSeconds, MOST_REPLAY_SECONDS, type ReplayAnswer, type ReplayStore } from '@tokenward/core/store';
import type { Reply } from './connection.js';
import { openKeyedStore, type KeyedStoreLife } from './keyed-store.js';
import type { RedisReplaysOptions } from './replay-options.js';
import { StoreFailure } from './store-failure.js';

/** What `SET NX` and the script reply. */
const ANSWERS: ReadonlyMap<Reply, ReplayAnswer> = new Map<Reply, ReplayAnswer>([
  ['OK', true],
  [null, false],
  ['owner-full', 'owner-full'],
]);

/**
 * Adds a name and counts it for its owner. The count begins anew when the first name that it counts expires, so at most twice as many names as allowed are
 * there at once. KEYS: the name, the count. ARGV: for how many ms, how many names are allowed.
 */
const ADD_FOR_OWNER = `#!lua
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[2]) then return 'owner-full' end
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[1]) end
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
return 'OK'`;

/** A store of names that may be used once, in Redis. */
export interface RedisReplays extends ReplayStore, KeyedStoreLife {
  /** @throws Error if Redis does not confirm within the timeout. The name may have been added nevertheless */
  add(name: string, ttlSeconds: number, owner?: string): Promise<ReplayAnswer>;
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
  const { keyOf, send, life, limits } = openKeyedStore(options, {
    defaultPrefix: 'tokenward:replays',
    what: 'replays',
    evictionEffect: 'The same proof is then accepted again.',
    limits: { maxPerOwner: 100_000 },
    // it adds nothing, and a replica refuses it like every write
    probe: (keyOf) => ['SET', keyOf('probe'), '', 'XX', 'PX', '1'],
  });

  function commandFor(name: string, ttlMs: string, owner: string | undefined): readonly [string, ...string[]] {
    const key = keyOf(digestOf(name));
    if (owner === undefined) return ['SET', key, '', 'NX', 'PX', ttlMs];
    return ['EVAL', ADD_FOR_OWNER, '2', key, keyOf(`owner:${digestOf(owner)}`), ttlMs, String(limits.maxPerOwner)];
  }

  return Object.freeze({
    async add(name, ttlSeconds, owner) {
      assertSeconds('add(name, ttlSeconds)', ttlSeconds, MOST_REPLAY_SECONDS);
      let reply: Reply;
      try {
        // one command, so that of several processes only one hears that the name is new. Rounded up: a name must not be forgotten early
        reply = await send(commandFor(name, String(Math.ceil(ttlSeconds * 1000)), owner));
      } catch (error) {
        if (error instanceof StoreFailure && error.code === 'OOM') return 'full';
        throw error;
      }
      const answer = ANSWERS.get(reply);
      if (answer === undefined) throw new StoreFailure('the server sent an unexpected reply');
      return answer;
    },
    ...life,
  } satisfies RedisReplays);
}

/** Keys have one length, whatever a name contains. */
function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
