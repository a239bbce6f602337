import { setTimeout as sleep } from 'node:timers/promises';
import { misuse, type IntrospectionCache } from '@tokenward/core/store';
import { createConnect, type Reply } from './connection.js';
import { hashTagged } from './hash-tag.js';
import { readIntrospectionsOptions, type RedisIntrospectionsOptions } from './introspection-options.js';
import { openLink } from './link.js';

/** A cache of introspection answers in Redis. */
export interface RedisIntrospections extends IntrospectionCache {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string, ttlSeconds: number): Promise<void>;
  /** Resolves once Redis answers. @throws Error if it does not answer within twice the timeout */
  warm(): Promise<void>;
  /** The state of the connection. `lastError` contains no name and no value. */
  health(): { readonly usable: boolean; readonly lastError: string | undefined };
  /** Closes the connection. A guard does not close a cache that was given to it. */
  close(): Promise<void>;
}

const WARM_LOOK_MS = 50;

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
  const { makeClient, where, prefix, timeoutMs } = readIntrospectionsOptions(options);
  const tagged = hashTagged(prefix);
  const keyOf = (name: string): string => `${tagged}:${name}`;
  const probe = { kind: 'GET', command: ['GET', keyOf('probe')] };
  const link = openLink({ connect: createConnect(makeClient, timeoutMs), probe, where, what: 'introspection answers', timeoutMs });

  async function send(command: readonly [kind: string, ...rest: string[]]): Promise<Reply> {
    try {
      return await link.send(command[0], command);
    } catch (error) {
      // a StoreFailure has fixed words; a client's own error may quote anything
      throw new Error(`${where}: ${(error as Error).message}`);
    }
  }

  async function get(name: string): Promise<string | undefined> {
    const reply = await send(['GET', keyOf(name)]);
    return typeof reply === 'string' ? reply : undefined;
  }

  return Object.freeze({
    get,
    async set(name, value, ttlSeconds) {
      if (!(ttlSeconds > 0 && ttlSeconds < Infinity)) throw misuse('set()', 'ttlSeconds must be a finite number greater than 0');
      await send(['SET', keyOf(name), value, 'PX', String(Math.max(1, Math.floor(ttlSeconds * 1000)))]);
    },
    async warm() {
      const endsAtMs = performance.now() + timeoutMs * 2;
      for (;;) {
        try {
          await get('probe');
          return;
        } catch (error) {
          if (link.isClosed || performance.now() > endsAtMs) throw error;
          // the timer also keeps the process alive for the caller
          await sleep(WARM_LOOK_MS);
        }
      }
    },
    health: () => ({ usable: link.isUsable, lastError: link.lastError }),
    close: async () => link.close(),
  } satisfies RedisIntrospections);
}
