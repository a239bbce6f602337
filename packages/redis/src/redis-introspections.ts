import { assertSeconds, MOST_INTROSPECTION_SECONDS, type IntrospectionCache } from '@tokenward/core/store';
import type { RedisIntrospectionsOptions } from './introspection-options.js';
import { openKeyedStore, type KeyedStoreLife } from './keyed-store.js';

/** A cache of introspection answers in Redis. */
export interface RedisIntrospections extends IntrospectionCache, KeyedStoreLife {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string, ttlSeconds: number): Promise<void>;
}

/** No guard writes a longer value. Whoever can write to Redis must not choose how much each look-up loads. */
const MAX_VALUE_BYTES = 131_072;
/** Before each value, since GETRANGE answers with an empty text for a key that is absent. */
const MARK = '=';

/**
 * Creates a cache of introspection answers for all processes that use the same Redis and prefix. It connects at once and retries until it is closed. If Redis is
 * down, its functions reject, and each guard asks the issuer itself.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const cache = redisIntrospections({ url: 'rediss://redis.example.com:6379' });
 * const guard = createGuard({ issuer, audience, introspection: { clientId, clientSecret, cache } });
 */
export function redisIntrospections(options: RedisIntrospectionsOptions): RedisIntrospections {
  const { keyOf, send, life } = openKeyedStore(options, {
    limits: {},
    defaultPrefix: 'tokenward:introspections',
    what: 'introspection answers',
    meanwhile: 'Each process asks the issuer itself until the outage ends',
    probe: (keyOf) => ['GETRANGE', keyOf('probe'), '0', '0'],
  });
  return Object.freeze({
    async get(name) {
      // one byte more shows that a value is too long
      const reply = await send(['GETRANGE', keyOf(name), '0', String(MAX_VALUE_BYTES)]);
      if (typeof reply !== 'string' || !reply.startsWith(MARK) || Buffer.byteLength(reply) > MAX_VALUE_BYTES) return undefined;
      return reply.slice(MARK.length);
    },
    async set(name, value, ttlSeconds) {
      assertSeconds('set(name, value, ttlSeconds)', ttlSeconds, MOST_INTROSPECTION_SECONDS);
      await send(['SET', keyOf(name), MARK + value, 'PX', String(Math.max(1, Math.floor(ttlSeconds * 1000)))]);
    },
    ...life,
  } satisfies RedisIntrospections);
}
