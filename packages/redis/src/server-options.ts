import type { OptionReader, ReadOption } from '@tokenward/core/store';
import { fromClient, fromCluster, fromSentinel, fromUrl, recognise, slotOf } from './clients.js';
import { type MakeClient, addressOf, destroy, type RawClient } from './connection.js';
import { hashTagged } from './hash-tag.js';

/** A client of the package `redis`, from `createClient`, `createCluster` or `createSentinel`. The store uses only duplicates of it. */
export interface DuplicableClient {
  duplicate(overrides?: object): object;
}

const MAX_PREFIX_LENGTH = 200;

/** Returns an option as it is, because {@link readServer} checks it together with another. */
export function unchecked(reader: OptionReader, name: string): unknown {
  return reader.get(name);
}

/** Returns the reader of a prefix with a default. */
export function prefixOption(defaultValue: string): ReadOption<string> {
  return (reader, name) => {
    const prefix = reader.text(name, defaultValue);
    if (prefix.length > MAX_PREFIX_LENGTH) reader.wrong(name, `must have at most ${MAX_PREFIX_LENGTH} characters (got ${prefix.length})`);
    return prefix;
  };
}

export interface Server {
  readonly makeClient: MakeClient;
  /** The address of Redis, for messages. */
  readonly where: string;
}

/** Reads `url` or `client`. Problems never quote the URL, because it may hold a password. */
export function readServer(
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
        return { makeClient: fromCluster(given.client, slotOf(hashTagged(prefix)), timeoutMs), where: 'the Redis cluster' };
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
