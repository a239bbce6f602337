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
  /** The timeout of each call, including connecting. Default: 3. */
  readonly timeoutSeconds?: number | undefined;
}

const MOST = 1_000_000_000;

/** The whole numbers that are options of one store alone, with their defaults. The least is 1. */
export type OwnLimits<N extends string> = Readonly<Record<N, number>>;

/** @throws ConfigurationError that lists all problems */
export function readKeyedOptions<N extends string>(
  options: KeyedStoreOptions,
  defaultPrefix: string,
  ownLimits: OwnLimits<N>,
): Server & {
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly limits: OwnLimits<N>;
} {
  const table = {
    url: unchecked,
    client: unchecked,
    prefix: prefixOption(defaultPrefix),
    timeoutSeconds: numberOption(3, { least: 0.05, most: 60 }),
  } satisfies OptionTable<KeyedStoreOptions>;
  const own = Object.entries<number>(ownLimits);
  const reader = new OptionReader(plainOptions(options), [...Object.keys(table), ...own.map(([name]) => name)]);
  const { url, client, prefix, timeoutSeconds } = readTable(reader, table);
  const limits = Object.fromEntries(own.map(([name, value]) => [name, reader.number(name, value, { least: 1, most: MOST, whole: true })])) as OwnLimits<N>;
  const timeoutMs = timeoutSeconds * 1000;
  const server = readServer(reader, { url, client }, prefix, timeoutMs);
  if (!server || reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return { ...server, prefix, timeoutMs, limits };
}
