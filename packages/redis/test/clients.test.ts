import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ConfigurationError } from '@tokenward/core';
import { redisRevocations, type DuplicableClient } from '@tokenward/redis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { describe, expect, test } from 'vitest';
import { replicate, startCluster, startSentinels } from './redis-fleet.js';
import { freePort } from '../../testing/test/free-port.js';
import { seedEpoch } from './redis-server.js';
import { closing, eventually, isCurrentAgain, isRevokedIn, openStore, ownServer, recordOf, reports, valuesIn } from './stores.js';

function problemOf(client: unknown): string {
  try {
    void redisRevocations({ client: client as DuplicableClient }).close();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ path, message }) => `${path} ${message}`).join();
    throw error;
  }
  return '';
}

const nothing = (): void => {};

describe('clients that are rejected at start-up', () => {
  test.each([
    [
      'ioredis',
      { duplicate: nothing, sendCommand: nothing, connect: nothing, disconnect: nothing, defineCommand: nothing, options: {} },
      'is a client of ioredis',
    ],
    ["ioredis' cluster", { duplicate: nothing, sendCommand: nothing, defineCommand: nothing, nodes: nothing, slots: [] }, 'is a client of ioredis'],
    ['redis 4', { duplicate: nothing, sendCommand: nothing, connect: nothing, disconnect: nothing, unref: nothing }, 'is a client of redis 4 or older'],
    ["redis 4's cluster", { duplicate: nothing, sendCommand: nothing, disconnect: nothing, nodeClient: nothing, slots: [] }, 'is a client of redis 4 or older'],
    ["redis 5's Sentinel", { sendCommand: nothing, _execute: nothing, acquire: nothing, destroy: nothing }, 'is a Sentinel client of redis 5'],
    ['a pool', createClientPool(), 'is a pool of connections'],
    ['something else', { duplicate: nothing }, 'is not a client of the package redis'],
    ['a text', 'redis://localhost', 'is not a client'],
    ['a function', () => createClient(), 'is not a client'],
  ])('%s', (_name, client, problem) => {
    const text = problemOf(client);
    expect(text.startsWith(`client ${problem}`)).toBe(true);
    expect(text).toMatch(/\. Set url, or pass a client from createClient\(\), createCluster\(\) or createSentinel\(\) of the package redis 5 or 6$/);
  });
});

/** Accepts connections, and never answers. */
async function startSilentServer(): Promise<{ readonly port: number; readonly open: number; readonly accepted: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    // it reads, since it would not notice the end of a connection otherwise
    sockets.add(
      socket
        .on('error', nothing)
        .on('close', () => sockets.delete(socket))
        .resume(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return sockets.size;
    },
    get accepted() {
      return accepted;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a cluster', () => {
  test('rule 115: all processes use the node that has the keys, and after a failover its successor', async () => {
    const cluster = closing(await startCluster(), (cluster) => cluster.close());
    const slot = Number(await cluster.nodes[0]!.ask('CLUSTER', 'KEYSLOT', '{tokenward:revocations}:records'));
    const owner = await cluster.ownerOf(slot);
    await seedEpoch(owner);
    const replica = await replicate(cluster, owner);
    const rootNodes = cluster.nodes.map(({ url }) => ({ url }));
    const open = (): ReturnType<typeof openStore> => openStore({ client: createCluster({ rootNodes }), timeoutSeconds: 4 });
    const [one, other] = [open(), open()];
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    await one.add(recordOf('before'));
    await eventually(() => isRevokedIn(other, 'before'), 'the other knows it');
    await owner.kill();
    await one.add(recordOf('meanwhile')).catch(() => {});
    await eventually(async () => /role:master/.test(String(await replica.ask('INFO', 'replication'))), 'the replica has taken over');
    await eventually(() => isRevokedIn(other, 'meanwhile'), 'the other learns it');
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    // what the replica had not received yet is written back, while both stores know it already
    await eventually(async () => (await replica.ask('ZCARD', '{tokenward:revocations}:records')) === 3, 'the replica has both records');
  });

  test('a root node that says nothing keeps no connection of an attempt that is over, and does not hide the others', async () => {
    const silent = closing(await startSilentServer(), (server) => server.close());
    const cluster = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${silent.port}` }], defaults: { socket: { connectTimeout: 60_000 } } });
    const store = openStore({ client: cluster, timeoutSeconds: 0.1 });
    await eventually(() => silent.accepted >= 6, 'it tries again and again');
    expect(silent.open).toBeLessThan(3);
    await store.close();
    await eventually(() => silent.open === 0, 'nothing is left open');
    const alone = await ownServer('--cluster-enabled', 'yes');
    await alone.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => /cluster_state:ok/.test(String(await alone.ask('CLUSTER', 'INFO'))), 'the cluster is ready');
    await seedEpoch(alone);
    const rootNodes = [silent.port, alone.port].map((port) => ({ socket: { host: '127.0.0.1', port } }));
    await isCurrentAgain(openStore({ client: createCluster({ rootNodes }), timeoutSeconds: 1 }));
  });

  test('a root node that names a server which refuses the commands does not hide the others', async () => {
    const stale = await ownServer('--cluster-enabled', 'yes');
    const current = await ownServer('--cluster-enabled', 'yes');
    const slot = Number(await current.ask('CLUSTER', 'KEYSLOT', '{tokenward:revocations}:records'));
    for (const node of [stale, current]) await node.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => /cluster_state:ok/.test(String(await current.ask('CLUSTER', 'INFO'))), 'the cluster is ready');
    await seedEpoch(current);
    const rootNodes = [stale, current].map(({ url }) => ({ url }));
    // it still names itself for the slot of the keys, as in a minority partition
    await stale.ask('CLUSTER', 'DELSLOTS', String(slot === 0 ? 1 : 0));
    await eventually(async () => /cluster_state:fail/.test(String(await stale.ask('CLUSTER', 'INFO'))), 'the node knows that slots are missing');
    const store = openStore({ client: createCluster({ rootNodes }), timeoutSeconds: 4 });
    await isCurrentAgain(store);
    await store.add(recordOf('session-1'));
    expect(await valuesIn(current)).toContain('session-1');
  });

  test('the permissions in the README are enough in a cluster', async () => {
    const alone = await ownServer('--cluster-enabled', 'yes');
    await alone.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => /cluster_state:ok/.test(String(await alone.ask('CLUSTER', 'INFO'))), 'the cluster is ready');
    await seedEpoch(alone);
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const [, line, inCluster] = /ACL SETUSER tokenward (.*)\n[^]*In a cluster, [^`]*`(\+[^`]+)`/.exec(readme)!;
    await alone.ask('ACL', 'SETUSER', 'tokenward', ...line!.split(' '), ...inCluster!.split(' '));
    const client = createCluster({ rootNodes: [{ url: alone.url }], defaults: { username: 'tokenward', password: 'secret' } });
    const store = openStore({ client, timeoutSeconds: 4 });
    await isCurrentAgain(store);
    await store.add(recordOf('session-1'));
    expect(await valuesIn(alone)).toContain('session-1');
  });

  test('a cluster that is unreachable is reported, and leaves no connections open', async () => {
    const rootNodes = [{ url: `redis://127.0.0.1:${await freePort()}` }];
    const store = openStore({ client: createCluster({ rootNodes }), timeoutSeconds: 4 });
    await reports(store, 'the Redis cluster: no root node answers');
    await eventually(() => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length < 8, 'connections do not pile up');
    await store.close();
  });
});

describe('Sentinel', () => {
  test('rule 115: all processes use the master, and after a failover the promoted replica', async () => {
    const { name, addresses, master, replica } = closing(await startSentinels(), (sentinels) => sentinels.close());
    await seedEpoch(master);
    const client = (): DuplicableClient => createSentinel({ name, sentinelRootNodes: [...addresses] }) as object as DuplicableClient;
    const [one, other] = [0, 1].map(() => openStore({ client: client(), timeoutSeconds: 4 })) as [ReturnType<typeof openStore>, ReturnType<typeof openStore>];
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    await one.add(recordOf('before'));
    await eventually(() => isRevokedIn(other, 'before'), 'the other knows it');
    await master.kill();
    await one.add(recordOf('meanwhile')).catch(() => {});
    // the sentinels close its connections while it is promoted
    const roleOf = (): Promise<unknown> => replica.ask('INFO', 'replication').catch(() => '');
    await eventually(async () => /role:master/.test(String(await roleOf())), 'the replica is promoted');
    await eventually(() => isRevokedIn(other, 'meanwhile'), 'the other learns it');
    await Promise.all([isCurrentAgain(one), isCurrentAgain(other)]);
    await eventually(async () => (await replica.ask('ZCARD', '{tokenward:revocations}:records')) === 3, 'the replica has both records');
  });

  test('a sentinel that says nothing does not stop the attempts, and keeps no connection of one that is over', async () => {
    const silent = closing(await startSilentServer(), (server) => server.close());
    const sentinel = createSentinel({ name: 'nobody', sentinelRootNodes: [{ host: '127.0.0.1', port: silent.port }] });
    const store = openStore({ client: sentinel as object as DuplicableClient, timeoutSeconds: 0.1 });
    await eventually(() => silent.accepted >= 6, 'it tries again and again');
    expect(silent.open).toBeLessThan(3);
    await store.close();
    await eventually(() => silent.open === 0, 'nothing is left open');
  });

  test.each(['sentinel', 'master'])('a %s that says nothing does not hide the others', async (which) => {
    const silent = closing(await startSilentServer(), (server) => server.close());
    const { name, addresses, master } = closing(await startSentinels(), (sentinels) => sentinels.close());
    await seedEpoch(master);
    const [first, ...rest] = addresses as [{ host: string; port: number }, ...{ host: string; port: number }[]];
    const sentinelRootNodes = which === 'sentinel' ? [{ ...first, port: silent.port }, ...rest] : [first, ...rest];
    let isSilent = which === 'master';
    // the address of the master is mapped, as if the first sentinel knew another one
    const nodeAddressMap = (address: string): { host: string; port: number } | undefined =>
      isSilent && address.endsWith(`:${master.port}`) ? { host: '127.0.0.1', port: silent.port } : undefined;
    const client = createSentinel({ name, sentinelRootNodes, nodeAddressMap, sentinelClientOptions: { socket: { connectTimeout: 60_000 } } });
    const store = openStore({ client: client as object as DuplicableClient, timeoutSeconds: 2 });
    await eventually(() => silent.accepted >= 2 || which === 'sentinel', 'it tries again');
    expect(silent.open).toBeLessThan(3);
    isSilent = false;
    await isCurrentAgain(store);
    await eventually(() => silent.open === 0, 'nothing is left open');
  });

  test('sentinels that are unreachable are reported, and leave no connections open', async () => {
    const sentinelRootNodes = [{ host: '127.0.0.1', port: await freePort() }];
    const store = openStore({ client: createSentinel({ name: 'nobody', sentinelRootNodes }) as object as DuplicableClient });
    await reports(store, 'Redis behind Sentinel: no sentinel answers, or none knows a master that answers');
    await eventually(() => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length < 8, 'connections do not pile up');
    await store.close();
  });
});
