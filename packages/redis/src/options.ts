import { ConfigurationError, type Clock } from '@tokenward/core';
import { numberOption, OptionReader, plainOptions, readClock, readTable, type OptionTable } from '@tokenward/core/store';
import { fromClient, fromCluster, fromSentinel, fromUrl, recognise, slotOf } from './clients.js';
import { type MakeClient, addressOf, destroy, type RawClient } from './connection.js';
import { keysOf } from './data-set.js';

/** A client of the package `redis`, from `createClient`, `createCluster` or `createSentinel`. The store uses only duplicates of it. */
export interface DuplicableClient {
  duplicate(overrides?: object): object;
}

export interface RedisRevocationsOptions {
  /** The address of Redis or Valkey: `rediss://name:password@redis.example.com:6379`. Set this or `client`. */
  readonly url?: string | undefined;
  /**
   * Your own client, for what a URL cannot express: certificates, a credentials provider, a cluster, Sentinel. It need not be connected.
   * Clients of `ioredis` and pools are not supported.
   */
  readonly client?: DuplicableClient | undefined;
  /** The beginning of all keys. Use one prefix for all processes that share revocations, and for nothing else. Default: `tokenward:revocations`. */
  readonly prefix?: string | undefined;
  /** How long this process admits requests without an answer from Redis. After that it answers 503. Default: 10. */
  readonly maxMirrorAgeSeconds?: number | undefined;
  /**
   * What happens after that time. `allow` checks requests only against the revocations that this process knows, and so accepts tokens that others
   * revoked meanwhile. `health().uncheckedRequests` counts these requests. Default: `refuse`.
   */
  readonly whenUnreachable?: 'refuse' | 'allow' | undefined;
  /** The timeout of each command, and of connecting. Default: 3. */
  readonly timeoutSeconds?: number | undefined;
  /** How many revocations this process keeps. Beyond that, the older half of one issuer's is replaced by a cut-off. Default: 1000000. */
  readonly maxEntries?: number | undefined;
  /** How much memory they may take in each process, by a high estimate. Default: 536870912 (512 MiB). */
  readonly maxBytes?: number | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

export interface Config {
  readonly makeClient: MakeClient;
  /** The address of Redis, for messages. */
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
  url: unchecked,
  client: unchecked,
  prefix: readPrefix,
  maxMirrorAgeSeconds: numberOption(10, { least: 0.5, most: 3600 }),
  whenUnreachable: readWhenUnreachable,
  timeoutSeconds: numberOption(3, { least: 0.05, most: 60 }),
  maxEntries: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 1, whole: true }),
  maxBytes: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 65_536, whole: true }),
  clock: readClock,
} satisfies OptionTable<RedisRevocationsOptions>;
const MAX_PREFIX_LENGTH = 200;

/** @throws ConfigurationError that lists all problems */
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

/** Returns an option as it is, because {@link readServer} checks it together with another. */
function unchecked(reader: OptionReader, name: string): unknown {
  return reader.get(name);
}

function readWhenUnreachable(reader: OptionReader, name: string): unknown {
  const value = reader.get(name) ?? 'refuse';
  if (value !== 'refuse' && value !== 'allow') reader.wrong(name, "must be 'refuse' or 'allow'");
  return value;
}

function readPrefix(reader: OptionReader, name: string): string {
  const prefix = reader.text(name, 'tokenward:revocations');
  if (prefix.length > MAX_PREFIX_LENGTH) reader.wrong(name, `must have at most ${MAX_PREFIX_LENGTH} characters (got ${prefix.length})`);
  return prefix;
}

interface Server {
  readonly makeClient: MakeClient;
  readonly where: string;
}

/** Reads `url` or `client`. Problems never quote the URL, because it may hold a password. */
function readServer(
  reader: OptionReader,
  { url, client }: { readonly url: unknown; readonly client: unknown },
  prefix: string,
  timeoutMs: number,
): Server | undefined {
  if (client !== undefined) {
    if (url !== undefined) reader.wrong('client', 'cannot be combined with url. Set only one of them');
    const given = recognise(client);
    switch (given.kind) {
      case 'client':
        return tryClient(reader, 'client', fromClient(given.client, timeoutMs));
      case 'cluster':
        return { makeClient: fromCluster(given.client, slotOf(keysOf(prefix).records), timeoutMs), where: 'the Redis cluster' };
      case 'sentinel':
        return { makeClient: fromSentinel(given.client, timeoutMs), where: 'Redis behind Sentinel' };
      case 'other':
        reader.wrong('client', given.problem);
    }
  } else if (url === undefined) reader.wrong('url', 'is missing: set it, or set client to a client of the package redis');
  else if (isRedisUrl(url)) return tryClient(reader, 'url', fromUrl(url, timeoutMs));
  else reader.wrong('url', 'must have the form redis://host:port, rediss://host:port or unix:///path');
  return undefined;
}

function tryClient(reader: OptionReader, name: string, makeClient: () => RawClient): Server | undefined {
  try {
    const client = makeClient();
    destroy(client);
    return { makeClient, where: addressOf(client) };
  } catch {
    reader.wrong(name, 'is rejected by the package redis. Check its form');
    return undefined;
  }
}

function isRedisUrl(url: unknown): url is string {
  if (typeof url !== 'string') return false;
  const { protocol, hostname, pathname } = URL.parse(url) ?? {};
  if (protocol === 'unix:') return true;
  return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '' && /^\/?\d{0,9}$/.test(pathname!);
}
