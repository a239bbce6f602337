import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { freePort } from '../../testing/test/free-port.js';
import { startRedis, type RedisServer } from './redis-server.js';

/** A real cluster of three masters and a fourth node. */
export interface Cluster {
  readonly nodes: readonly RedisServer[];
  /** Returns the master that has a slot. */
  ownerOf(slot: number): Promise<RedisServer>;
  close(): Promise<void>;
}

const SLOTS = 16_384;

export async function startCluster(): Promise<Cluster> {
  const nodes = await Promise.all([0, 1, 2, 3].map(startNode));
  const masters = nodes.slice(0, 3);
  const share = Math.ceil(SLOTS / masters.length);
  await Promise.all(masters.map((node, at) => node.ask('CLUSTER', 'ADDSLOTSRANGE', String(at * share), String(Math.min(SLOTS, (at + 1) * share) - 1))));
  for (const node of nodes.slice(1)) await node.ask('CLUSTER', 'MEET', '127.0.0.1', String(nodes[0]!.port), String(busPorts.get(nodes[0]!.port)));
  await until(
    () => nodes,
    async (node) => (String(await node.ask('CLUSTER', 'NODES')).match(/ (master|myself,master) /g)?.length ?? 0) === 4,
  );
  await until(
    () => masters,
    async (node) => /cluster_state:ok/.test(String(await node.ask('CLUSTER', 'INFO'))),
  );
  return {
    nodes,
    async ownerOf(slot) {
      const ranges = (await nodes[0]!.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
      const [, , [, port]] = ranges.find(([from, to]) => from <= slot && slot <= to)!;
      return nodes.find((node) => node.port === port)!;
    },
    async close() {
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
}

/** Makes the last node a replica of a master, and waits until all nodes know it. */
export async function replicate({ nodes }: Cluster, master: RedisServer): Promise<RedisServer> {
  const replica = nodes.at(-1)!;
  await replica.ask('CLUSTER', 'REPLICATE', String(await master.ask('CLUSTER', 'MYID')));
  await until(
    () => [replica],
    async (node) => /master_link_status:up/.test(String(await node.ask('INFO', 'replication'))),
  );
  await until(
    () => nodes,
    async (node) =>
      /cluster_state:ok/.test(String(await node.ask('CLUSTER', 'INFO'))) && / slave /.test(String(await node.ask('CLUSTER', 'NODES')).replace('myself,', '')),
  );
  return replica;
}

const busPorts = new Map<number, number>();

async function startNode(): Promise<RedisServer> {
  const busPort = await freePort();
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0'];
  const node = await startRedis(...args);
  busPorts.set(node.port, busPort);
  return node;
}

/** A master, a replica, and three sentinels, which promote the replica when the master dies. */
export interface Sentinels {
  readonly name: string;
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly master: RedisServer;
  readonly replica: RedisServer;
  close(): Promise<void>;
}

export async function startSentinels(): Promise<Sentinels> {
  const name = 'tokenward-test';
  const master = await startRedis('--repl-diskless-sync-delay', '0');
  const replica = await startRedis('--replicaof', '127.0.0.1', String(master.port));
  await until(
    () => [replica],
    async (node) => /master_link_status:up/.test(String(await node.ask('INFO', 'replication'))),
  );
  const folder = await mkdtemp(join(tmpdir(), 'tokenward-sentinels-'));
  const ports = await Promise.all([0, 1, 2].map(freePort));
  const children: ChildProcess[] = [];
  for (const port of ports) {
    const file = join(folder, `${port}.conf`);
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 3000`,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    children.push(spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' }));
  }
  const knowsAll = async (port: number): Promise<boolean> => {
    const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, RESP: 2, maintNotifications: 'disabled' });
    client.on('error', () => {});
    try {
      await client.connect();
      const info: unknown = await client.sendCommand(['INFO', 'sentinel']);
      return typeof info === 'string' && info.includes('slaves=1,sentinels=3');
    } catch {
      return false;
    } finally {
      client.destroy();
    }
  };
  await until(() => ports, knowsAll);
  return {
    name,
    addresses: ports.map((port) => ({ host: '127.0.0.1', port })),
    master,
    replica,
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      await Promise.all([master.close(), replica.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function until<T>(all: () => readonly T[], holds: (one: T) => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    const results = await Promise.all(all().map(holds));
    if (results.every(Boolean)) return;
    if (Date.now() > end) throw new Error('the servers did not find each other within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
