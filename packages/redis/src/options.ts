import { ConfigurationError, type Clock } from '@tokenward/core';
import { MOST_BYTES, MOST_ENTRIES, numberOption, OptionReader, plainOptions, readClock, readTable, type OptionTable } from '@tokenward/core/store';
import type { MakeClient } from './connection.js';
import { prefixOption, readServer, unchecked, type DuplicableClient } from './server-options.js';

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
  /** How many revocations this process keeps. Beyond that, a cut-off replaces the older half of one issuer's revocations. Default: 1000000. */
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
  prefix: prefixOption('tokenward:revocations'),
  maxMirrorAgeSeconds: numberOption(10, { least: 0.5, most: 3600 }),
  whenUnreachable: readWhenUnreachable,
  timeoutSeconds: numberOption(3, { least: 0.05, most: 60 }),
  maxEntries: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 1, most: MOST_ENTRIES, whole: true }),
  maxBytes: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 65_536, most: MOST_BYTES, whole: true }),
  clock: readClock,
} satisfies OptionTable<RedisRevocationsOptions>;

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

function readWhenUnreachable(reader: OptionReader, name: string): unknown {
  const value = reader.get(name) ?? 'refuse';
  if (value !== 'refuse' && value !== 'allow') reader.wrong(name, "must be 'refuse' or 'allow'");
  return value;
}
