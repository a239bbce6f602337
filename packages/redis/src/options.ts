import { ConfigurationError, type Clock } from '@tokenward/core';
import { numberOption, OptionReader, plainOptions, readClock, readTable, type OptionTable } from '@tokenward/core/store';
import { fromClient, fromCluster, fromSentinel, fromUrl, recognise, slotOf } from './clients.js';
import { type MakeClient, addressOf, destroy, type RawClient } from './connection.js';
import { keysOf } from './data-set.js';

/**
 * A client of the package `redis`, as `createClient`, `createCluster` or `createSentinel` makes it. The store uses only copies of it, with
 * connections of their own.
 */
export interface DuplicableClient {
  duplicate(overrides?: object): object;
}

export interface RedisRevocationsOptions {
  /** Where Redis or Valkey is: `rediss://name:password@redis.example.com:6379`. This, or `client`. */
  readonly url?: string | undefined;
  /**
   * A client that you made, for what a URL can't say: certificates, a provider of credentials, a cluster, Sentinel. It need not be connected.
   * Clients of `ioredis` and pools are refused.
   */
  readonly client?: DuplicableClient | undefined;
  /** What the keys begin with. All processes that share revocations have the same, and nobody else. Default: `tokenward:revocations`. */
  readonly prefix?: string | undefined;
  /** How long this process may not have heard from Redis before it answers 503. Default: 10. */
  readonly maxMirrorAgeSeconds?: number | undefined;
  /**
   * What happens then. `allow` goes on with what is known, so that tokens pass which others have revoked meanwhile: each request is counted in
   * `health().uncheckedRequests`. Default: `refuse`.
   */
  readonly whenUnreachable?: 'refuse' | 'allow' | undefined;
  /** For each command, and for connecting. Default: 3. */
  readonly timeoutSeconds?: number | undefined;
  /** How many revocations this process keeps. For more, core's rule on overflow holds. Default: 1000000. */
  readonly maxEntries?: number | undefined;
  /** What they may take in the memory of each process, by an estimate that is not a low one. Default: 536870912 (512 MiB). */
  readonly maxBytes?: number | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface Config {
  readonly makeClient: MakeClient;
  /** Where Redis is, for people. */
  readonly where: string;
  readonly prefix: string;
  readonly maxMirrorAgeMs: number;
  readonly allowsUnchecked: boolean;
  readonly timeoutMs: number;
  readonly maxEntries: number | undefined;
  readonly maxBytes: number | undefined;
  readonly clock: Clock;
}

const OPTIONS = {
  url: given,
  client: given,
  prefix: readPrefix,
  maxMirrorAgeSeconds: numberOption(10, { least: 0.5, most: 3600 }),
  whenUnreachable: readWhenUnreachable,
  timeoutSeconds: numberOption(3, { least: 0.05, most: 60 }),
  maxEntries: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 1, whole: true }),
  maxBytes: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 65_536, whole: true }),
  clock: readClock,
} satisfies OptionTable<RedisRevocationsOptions>;
const MAX_PREFIX_LENGTH = 200;

/** @throws ConfigurationError that lists all that is wrong */
export function readOptions(options: RedisRevocationsOptions): Config {
  const reader = new OptionReader(plainOptions(options), Object.keys(OPTIONS));
  const { url, client, prefix, maxMirrorAgeSeconds, whenUnreachable, timeoutSeconds, maxEntries, maxBytes, clock } = readTable(reader, OPTIONS);
  const timeoutMs = timeoutSeconds * 1000;
  const server = readServer(reader, { url, client }, prefix, timeoutMs);
  if (!server || reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return {
    ...server,
    prefix,
    maxMirrorAgeMs: maxMirrorAgeSeconds * 1000,
    allowsUnchecked: whenUnreachable === 'allow',
    timeoutMs,
    maxEntries,
    maxBytes,
    clock,
  };
}

/** Of an option that is judged together with another. */
function given(reader: OptionReader, name: string): unknown {
  return reader.get(name);
}

function readWhenUnreachable(reader: OptionReader, name: string): unknown {
  const value = reader.get(name) ?? 'refuse';
  if (value !== 'refuse' && value !== 'allow') reader.wrong(name, "is neither 'refuse' nor 'allow'");
  return value;
}

function readPrefix(reader: OptionReader, name: string): string {
  const prefix = reader.text(name, 'tokenward:revocations');
  if (prefix.length > MAX_PREFIX_LENGTH) reader.wrong(name, `has ${prefix.length} characters: ${MAX_PREFIX_LENGTH} at the most`);
  return prefix;
}

interface Server {
  readonly makeClient: MakeClient;
  readonly where: string;
}

/** What is wrong with a URL is said without it: it holds a password. */
function readServer(
  reader: OptionReader,
  { url, client }: { readonly url: unknown; readonly client: unknown },
  prefix: string,
  timeoutMs: number,
): Server | undefined {
  if (client !== undefined) {
    if (url !== undefined) reader.wrong('client', 'is given beside url: one of them says where Redis is');
    const given = recognise(client);
    switch (given.kind) {
      case 'client':
        return tryOut(reader, 'client', fromClient(given.client, timeoutMs));
      case 'cluster':
        return { makeClient: fromCluster(given.client, slotOf(keysOf(prefix).records), timeoutMs), where: 'the Redis cluster' };
      case 'sentinel':
        return { makeClient: fromSentinel(given.client, timeoutMs), where: 'Redis behind Sentinel' };
      case 'other':
        reader.wrong('client', given.problem);
    }
  } else if (url === undefined) reader.wrong('url', 'is missing: give a url, or a client of the package redis');
  else if (isRedisUrl(url)) return tryOut(reader, 'url', fromUrl(url, timeoutMs));
  else reader.wrong('url', 'is none of the form redis://host:port, rediss://host:port or unix:///path');
  return undefined;
}

function tryOut(reader: OptionReader, name: string, makeClient: () => RawClient): Server | undefined {
  try {
    const client = makeClient();
    destroy(client);
    return { makeClient, where: addressOf(client) };
  } catch {
    reader.wrong(name, 'is not taken by the package redis');
    return undefined;
  }
}

function isRedisUrl(url: unknown): url is string {
  if (typeof url !== 'string') return false;
  const { protocol, hostname, pathname } = URL.parse(url) ?? {};
  if (protocol === 'unix:') return true;
  return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '' && /^\/?\d{0,9}$/.test(pathname!);
}
