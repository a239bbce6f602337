import { createClient } from 'redis';
import type { MakeClient, RawClient } from './connection.js';
import { StoreFailure } from './store-failure.js';

interface Duplicable<T> {
  duplicate(overrides?: object): T;
}

interface PlainClient extends Duplicable<RawClient> {
  readonly options?: RawClient['options'];
}

interface ClusterClient extends Duplicable<ClusterClient> {
  readonly slots: readonly ({ readonly master: object } | undefined)[];
  nodeClient(node: object): PlainClient | Promise<PlainClient>;
  connect(): Promise<unknown>;
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

interface SentinelClient extends Duplicable<SentinelClient> {
  _execute<T>(isReadonly: boolean, use: (master: PlainClient) => Promise<T>): Promise<T>;
  connect(): Promise<unknown>;
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

/** The user's client and its kind, or what is wrong with it and how to fix that. */
export type GivenClient =
  | { readonly kind: 'client'; readonly client: PlainClient }
  | { readonly kind: 'cluster'; readonly client: ClusterClient }
  | { readonly kind: 'sentinel'; readonly client: SentinelClient }
  | { readonly kind: 'other'; readonly problem: string };

const INSTEAD = 'Set url, or pass a client from createClient(), createCluster() or createSentinel() of the package redis 5 or 6';

/** Recognises a client by its methods: two copies of the package redis may be installed, and class names are not part of its API. */
export function recognise(client: unknown): GivenClient {
  if (typeof client !== 'object' || client === null) return other('is not a client');
  if (has(client, 'defineCommand') && has(client, 'duplicate')) return other('is a client of ioredis, which is not supported');
  if (has(client, 'execute') && !has(client, 'duplicate')) return other('is a pool of connections');
  const isSentinel = has(client, '_execute') && has(client, 'getSentinelNode', 'acquire');
  if (isSentinel && !has(client, 'duplicate')) return other('is a Sentinel client of redis 5, which cannot be duplicated. Use redis 6');
  if (!has(client, 'duplicate') || !has(client, 'sendCommand')) return other('is not a client of the package redis');
  if (!has(client, 'destroy')) return other('is a client of redis 4 or older, or of another package');
  if (isSentinel) return { kind: 'sentinel', client: client as SentinelClient };
  if (has(client, 'nodeClient') && 'slots' in client) return { kind: 'cluster', client: client as ClusterClient };
  return { kind: 'client', client: client as PlainClient };
}

function other(problem: string): GivenClient {
  return { kind: 'other', problem: `${problem}. ${INSTEAD}` };
}

/** Whether a client has one of these methods. */
function has(client: object, ...methods: readonly string[]): boolean {
  return methods.some((method) => typeof (client as Record<string, unknown>)[method] === 'function');
}

export function fromUrl(url: string, timeoutMs: number): () => RawClient {
  return () => createClient({ url, ...overrides(timeoutMs, undefined) }) as object as RawClient;
}

export function fromClient(client: PlainClient, timeoutMs: number): () => RawClient {
  return () => client.duplicate(overrides(timeoutMs, client.options?.socket));
}

/** Asks the cluster before each connection which node has the keys, since a failover changes that. */
export function fromCluster(client: ClusterClient, slot: number, timeoutMs: number): MakeClient {
  return () =>
    withFinder(
      client.duplicate({ minimizeConnections: true, useReplicas: false, clientSideCache: undefined }),
      timeoutMs,
      'no root node answers',
      async (cluster) => {
        const shard = cluster.slots[slot];
        if (!shard) throw new StoreFailure('no node of the cluster has the keys');
        const node = await cluster.nodeClient(shard.master);
        return node.duplicate(overrides(timeoutMs, node.options?.socket));
      },
    );
}

/** Asks the sentinels before each connection which server is the master. */
export function fromSentinel(client: SentinelClient, timeoutMs: number): MakeClient {
  const alone = { maxCommandRediscovers: 0, masterPoolSize: 1, replicaPoolSize: 0, reserveClient: false, scanInterval: 0, clientSideCache: undefined };
  return () =>
    withFinder(client.duplicate(alone), timeoutMs, 'no sentinel answers, or none knows a master that answers', (sentinel) =>
      sentinel._execute(false, async (master) => master.duplicate(overrides(timeoutMs, master.options?.socket))),
    );
}

/** Finds one server, and then destroys the finder: a connection that never reconnects needs no cluster or Sentinel client. */
async function withFinder<F extends Pick<ClusterClient, 'connect' | 'on' | 'destroy'>>(
  finder: F,
  timeoutMs: number,
  unreachable: string,
  find: (finder: F) => Promise<RawClient>,
): Promise<RawClient> {
  let timer: NodeJS.Timeout | undefined;
  finder.on('error', () => {});
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StoreFailure(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    timer.unref();
  });
  // the package's own error names no cause, because each node may fail for a different one
  const found = finder.connect().then(
    () => find(finder),
    () => Promise.reject(new StoreFailure(unreachable)),
  );
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
    // it waits until the finder has connected, which a server that says nothing never lets happen
    void quietly(() => finder.destroy());
    // a client that is found too late is never connected
    found.catch(() => {});
  }
}

async function quietly(destroy: () => unknown): Promise<void> {
  try {
    await destroy();
  } catch {
    // it was never open, or is closed already
  }
}

/**
 * Returns options for a connection that never reconnects: any failure ends it, and a new one replaces it. The client queues no commands. It
 * uses RESP 2, even if the user's client uses RESP 3.
 */
function overrides(timeoutMs: number, socket: object | undefined): object {
  return {
    RESP: 2,
    socket: { ...socket, reconnectStrategy: false, connectTimeout: timeoutMs + 500, socketTimeout: undefined },
    disableOfflineQueue: true,
    commandOptions: {},
    commandsQueueMaxLength: undefined,
    clientSideCache: undefined,
    emitInvalidate: undefined,
    maintNotifications: 'disabled',
    pingInterval: undefined,
    readonly: undefined,
  };
}

/** Returns a key's slot in a cluster: the CRC-16/XMODEM of the text in its first braces. */
export function slotOf(key: string): number {
  const tag = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % 16_384;
}
