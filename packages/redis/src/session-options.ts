import { ConfigurationError, type Clock } from '@tokenward/core';
import { numberOption, OptionReader, plainOptions, readClock, readTable, type OptionTable } from '@tokenward/core/store';
import { prefixOption, readServer, unchecked, type DuplicableClient, type Server } from './server-options.js';

export interface RedisSessionsOptions {
  /** The address of Redis or Valkey: `rediss://name:password@redis.example.com:6379`. Set this or `client`. */
  readonly url?: string | undefined;
  /**
   * Your own client, for what a URL cannot express: certificates, a credentials provider, a cluster, Sentinel. It need not be connected.
   * Clients of `ioredis` and pools are not supported.
   */
  readonly client?: DuplicableClient | undefined;
  /** The beginning of all keys. Use one prefix for all processes of one app, and for nothing else. Default: `tokenward:sessions`. */
  readonly prefix?: string | undefined;
  /** The timeout of each call, including connecting. Default: 3. */
  readonly timeoutSeconds?: number | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

export interface SessionsConfig extends Server {
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const OPTIONS = {
  url: unchecked,
  client: unchecked,
  prefix: prefixOption('tokenward:sessions'),
  timeoutSeconds: numberOption(3, { least: 0.05, most: 60 }),
  clock: readClock,
} satisfies OptionTable<RedisSessionsOptions>;

/** @throws ConfigurationError that lists all problems */
export function readSessionOptions(options: RedisSessionsOptions): SessionsConfig {
  const reader = new OptionReader(plainOptions(options), Object.keys(OPTIONS));
  const { url, client, prefix, timeoutSeconds, clock } = readTable(reader, OPTIONS);
  const timeoutMs = timeoutSeconds * 1000;
  const server = readServer(reader, { url, client }, prefix, timeoutMs);
  if (!server || reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return { ...server, prefix, timeoutMs, clock };
}
