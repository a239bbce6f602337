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
  const alone = { minimizeConnections: true, useReplicas: false, clientSideCache: undefined };
  const { rootNodes, defaults } = optionsOf(client);
  return withFinders(rootNodes, timeoutMs, 'no root node answers', {
    open: (nodes, signal) => client.duplicate(nodes ? { ...alone, rootNodes: nodes, defaults: endedBy(signal, defaults) } : alone),
    async find(cluster) {
      const shard = cluster.slots[slot];
      if (!shard) throw new StoreFailure('no node of the cluster has the keys');
      const node = await cluster.nodeClient(shard.master);
      return node.duplicate(overrides(timeoutMs, node.options?.socket));
    },
  });
}

/** Asks the sentinels before each connection which server is the master. */
export function fromSentinel(client: SentinelClient, timeoutMs: number): MakeClient {
  const alone = { maxCommandRediscovers: 0, masterPoolSize: 1, replicaPoolSize: 0, reserveClient: false, scanInterval: 0, clientSideCache: undefined };
  const { sentinelRootNodes, sentinelClientOptions, nodeClientOptions } = optionsOf(client);
  return withFinders(sentinelRootNodes, timeoutMs, 'no sentinel answers, or none knows a master that answers', {
    open(nodes, signal) {
      const ended = { sentinelClientOptions: endedBy(signal, sentinelClientOptions), nodeClientOptions: endedBy(signal, nodeClientOptions) };
      return client.duplicate(nodes ? { ...alone, sentinelRootNodes: nodes, ...ended } : alone);
    },
    find: (sentinel) => sentinel._execute(false, async (master) => master.duplicate(overrides(timeoutMs, master.options?.socket))),
  });
}

interface FinderOptions {
  readonly rootNodes?: readonly object[];
  readonly defaults?: ConnectionOptions;
  readonly sentinelRootNodes?: readonly object[];
  readonly sentinelClientOptions?: ConnectionOptions;
  readonly nodeClientOptions?: ConnectionOptions;
}

interface ConnectionOptions {
  readonly socket?: object;
}

/**
 * Returns the options of the user's cluster or Sentinel client. They are private, but its `duplicate` passes them to the constructor of its `this`. If another
 * version of the package redis does not, this returns none: the finder then asks all root nodes, and its sockets end only when the other side ends them.
 */
function optionsOf(client: Duplicable<unknown> & { readonly _self?: unknown }): FinderOptions {
  let options: FinderOptions = {};
  function take(given: FinderOptions = {}): void {
    options = given;
  }
  try {
    client.duplicate.call(Object.create({ constructor: take }, { _self: { value: client._self } }));
  } catch {
    // another version: returns none
  }
  return options;
}

/** Returns options of connections that never reconnect, and end with the signal. A server that accepts them and says nothing would keep them forever. */
function endedBy(signal: AbortSignal, options: ConnectionOptions | undefined): object {
  return { ...options, socket: { ...options?.socket, reconnectStrategy: false, signal } };
}

interface FinderKind<F> {
  /** Makes an unconnected finder that asks only these root nodes; undefined: all. Its sockets end with the signal. */
  open(rootNodes: readonly object[] | undefined, signal: AbortSignal): F;
  /** Finds one server. The finder is connected. */
  find(finder: F): Promise<RawClient>;
}

/**
 * Asks the root nodes in turn until one answers, all within one timeout. A node that says nothing uses up the timeout, so the next attempt begins with the node
 * after it. The same holds for a node that named a server which failed: in a minority partition, a node answers with what was true before.
 */
function withFinders<F extends Pick<ClusterClient, 'connect' | 'on' | 'destroy'>>(
  rootNodes: readonly object[] | undefined,
  timeoutMs: number,
  unreachable: string,
  kind: FinderKind<F>,
): MakeClient {
  const choices = rootNodes?.map((node) => [node]) ?? [undefined];
  /** Which node named the server of a client. */
  const namedBy = new WeakMap<RawClient, number>();
  let first = 0;
  return async (failed) => {
    const endsAtMs = performance.now() + timeoutMs;
    if (failed && namedBy.get(failed) === first) first = (first + 1) % choices.length;
    // a failed client counts once: otherwise no later attempt would begin with that node again
    if (failed) namedBy.delete(failed);
    for (let [at, tries] = [first, 1]; ; tries++) {
      try {
        const client = await withFinder(choices[at], endsAtMs - performance.now(), timeoutMs, unreachable, kind);
        namedBy.set(client, at);
        return client;
      } catch (error) {
        // two attempts may fail at the same time
        first = at = (at + 1) % choices.length;
        if (tries >= choices.length || performance.now() >= endsAtMs) throw error;
      }
    }
  };
}

/** Finds one server, and then destroys the finder: a connection that never reconnects needs no cluster or Sentinel client. */
async function withFinder<F extends Pick<ClusterClient, 'connect' | 'on' | 'destroy'>>(
  rootNodes: readonly object[] | undefined,
  withinMs: number,
  timeoutMs: number,
  unreachable: string,
  { open, find }: FinderKind<F>,
): Promise<RawClient> {
  const abort = new AbortController();
  const finder = open(rootNodes, abort.signal);
  let timer: NodeJS.Timeout | undefined;
  finder.on('error', () => {});
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StoreFailure(`no answer within ${timeoutMs / 1000} s`)), withinMs);
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
    // waits until the finder has connected. If a server says nothing, that happens only when the sockets end
    void quietly(() => finder.destroy());
    // after destroy(), because otherwise the finder would reconnect
    abort.abort();
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
    socket: { ...socket, reconnectStrategy: false, connectTimeout: timeoutMs + 500, socketTimeout: undefined, signal: undefined },
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
