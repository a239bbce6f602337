import { ConfigurationError } from '@tokenward/core';
import { numberOption, OptionReader, plainOptions, readTable, type OptionTable } from '@tokenward/core/store';
import { prefixOption, readServer, unchecked, type DuplicableClient, type Server } from './server-options.js';

/** Options of a store that reads and writes single keys. */
export interface KeyedStoreOptions {
  /** The address of Redis or Valkey: `rediss://name:password@redis.example.com:6379`. Set this or `client`. */
  readonly url?: string | undefined;
  /**
   * Your own client, for what a URL cannot express: certificates, a credentials provider, a cluster, Sentinel. It need not be connected.
   * Clients of `ioredis` and pools are not supported.
   */
  readonly client?: DuplicableClient | undefined;
  /** The beginning of all keys. */
  readonly prefix?: string | undefined;
  /** The timeout of each call, with connecting. Default: 3. */
  readonly timeoutSeconds?: number | undefined;
}

/** @throws ConfigurationError that lists all problems */
export function readKeyedOptions(
  options: KeyedStoreOptions,
  defaultPrefix: string,
): Server & {
  readonly prefix: string;
  readonly timeoutMs: number;
} {
  const table = {
    url: unchecked,
    client: unchecked,
    prefix: prefixOption(defaultPrefix),
    timeoutSeconds: numberOption(3, { least: 0.05, most: 60 }),
  } satisfies OptionTable<KeyedStoreOptions>;
  const reader = new OptionReader(plainOptions(options), Object.keys(table));
  const { url, client, prefix, timeoutSeconds } = readTable(reader, table);
  const timeoutMs = timeoutSeconds * 1000;
  const server = readServer(reader, { url, client }, prefix, timeoutMs);
  if (!server || reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return { ...server, prefix, timeoutMs };
}
