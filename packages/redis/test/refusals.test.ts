import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RevocationStoreError } from '@tokenward/redis';
import { createTestClock } from '@tokenward/testing';
import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../testing/test/free-port.js';
import { seedEpoch, type RedisServer } from './redis-server.js';
import {
  KEYS,
  eventually,
  heard,
  isCurrentAgain,
  isRevokedIn,
  nextAnswer,
  nowSeconds,
  openStore,
  ownServer,
  recordOf,
  reports,
  useServer,
  valuesIn,
  warmStore,
} from './stores.js';

const server = useServer('--repl-diskless-sync-delay', '0');

describe('a server that refuses commands', () => {
  test('a wrong password is reported without quoting it', async () => {
    const closed = await ownServer();
    await closed.ask('CONFIG', 'SET', 'requirepass', 'correct');
    const store = openStore({ url: `redis://:PLANTED@127.0.0.1:${closed.port}` });
    await reports(store, `redis://127.0.0.1:${closed.port}: the user name or the password is wrong`);
    expect(JSON.stringify(store.health())).not.toMatch(/PLANTED/);
    const right = await warmStore(`redis://:correct@127.0.0.1:${closed.port}`);
    expect(right.isCurrent()).toBe(true);
  });

  test('the permissions in the README are enough', async () => {
    await server().ask('ACL', 'SETUSER', 'tokenward', 'on', '>secret', '~{tokenward:revocations}:*', ...README_ACL.split(' '));
    const url = server().url.replace('redis://', 'redis://tokenward:secret@');
    const [one, other] = await Promise.all([warmStore(url), warmStore(url)]);
    await one.add(recordOf('session-1'));
    await eventually(() => isRevokedIn(other, 'session-1'), 'the other knows it');
    const wrong = openStore({ url, prefix: 'elsewhere' });
    await reports(wrong, 'the user lacks a permission');
  });

  test('a user who lacks one command of a script is reported as lacking a permission', async () => {
    const commands = README_ACL.split(' ').filter((command) => command !== '+xinfo|stream');
    await server().ask('ACL', 'SETUSER', 'lacking', 'on', '>secret', '~{tokenward:revocations}:*', ...commands);
    await server().ask('XADD', KEYS.stream, '*', 'r', 'x');
    const store = openStore({ url: server().url.replace('redis://', 'redis://lacking:secret@') });
    await reports(store, 'the user lacks a permission');
  });

  test('rule 115: a user who may not write to the stream revokes nothing, also when the write is tried again', async () => {
    const other = await warmStore(server().url);
    const commands = README_ACL.split(' ').filter((command) => command !== '+xadd');
    await server().ask('ACL', 'SETUSER', 'streamless', 'on', '>secret', '~{tokenward:revocations}:*', ...commands);
    const store = openStore({ url: server().url.replace('redis://', 'redis://streamless:secret@') });
    await store.warm();
    for (let attempt = 0; attempt < 2; attempt++) await expect(store.add(recordOf('session-1'))).rejects.toBeInstanceOf(RevocationStoreError);
    expect(await valuesIn(server())).toEqual([]);
    await server().ask('ACL', 'SETUSER', 'streamless', '+xadd');
    await eventually(() => isRevokedIn(other, 'session-1'), 'the other process knows it');
    await eventually(async () => (await valuesIn(server())).includes('session-1'), 'it is kept');
  });

  test('a server with an untrusted certificate is not used until the user trusts it', async () => {
    const folder = fileURLToPath(new URL('../../core/test/self-signed/', import.meta.url));
    const port = await freePort();
    const files = ['--tls-cert-file', `${folder}cert.pem`, '--tls-key-file', `${folder}key.pem`, '--tls-ca-cert-file', `${folder}cert.pem`];
    await ownServer('--tls-port', String(port), '--tls-auth-clients', 'no', ...files);
    const wary = openStore({ url: `rediss://localhost:${port}` });
    await reports(wary, `rediss://localhost:${port}: the connection failed (DEPTH_ZERO_SELF_SIGNED_CERT)`);
    const client = createClient({ socket: { tls: true, host: 'localhost', port, ca: await readFile(`${folder}cert.pem`) } });
    const store = openStore({ client });
    await store.warm();
    await store.add(recordOf('session-1'));
    expect(store.isCurrent()).toBe(true);
  });

  test('a replica is not relied upon until it is the master', async () => {
    const replica = await ownServer('--replicaof', '127.0.0.1', String(server().port));
    const one = await warmStore(server().url);
    await one.add(recordOf('session-1'));
    const clock = createTestClock();
    const store = openStore({ url: replica.url, clock });
    await reports(store, 'the server is a replica');
    await expect(store.add(recordOf('session-2'))).rejects.toBeInstanceOf(RevocationStoreError);
    await eventually(async () => (await replica.ask('ZCARD', KEYS.records)) === 2, 'the replica has it');
    await replica.ask('REPLICAOF', 'NO', 'ONE');
    await isCurrentAgain(store);
    expect(isRevokedIn(store, 'session-1')).toBe(true);
    await eventually(async () => (await valuesIn(replica)).length === 2, 'the unsent revocation is delivered');
    await replica.ask('REPLICAOF', '127.0.0.1', String(server().port));
    await reports(store, 'the server is a replica, which may be behind its master');
    clock.advance(61);
    expect(store.isCurrent()).toBe(false);
  });

  test('a server without memory for writes is still read', async () => {
    const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
    await one.add(recordOf('session-1'));
    await server().ask('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await expect(one.add(recordOf('session-2'))).rejects.toBeInstanceOf(RevocationStoreError);
      expect(one.health().lastError).toMatch(/Redis has no memory left for writes/);
      for (let answers = 0; answers < 3; answers++) await nextAnswer(other);
      expect(other.isCurrent()).toBe(true);
    } finally {
      await server().ask('CONFIG', 'SET', 'maxmemory', '0');
    }
    await eventually(() => isRevokedIn(other, 'session-2'), 'it is delivered when there is room');
    await eventually(() => one.health().lastError === undefined, 'the outage is over');
  });

  test('rule 169: a server that accepts no writes while records are due for removal is one outage, and the connection stays', async () => {
    await endRecords(600);
    await server().ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
    try {
      const before = await connectionsOf(server());
      const failed = heard('tokenward:revocations-failed');
      const store = openStore({ url: server().url });
      await isCurrentAgain(store);
      await reports(store, 'too few replicas follow it');
      for (let answers = 0; answers < 3; answers++) await nextAnswer(store);
      expect(store.isCurrent()).toBe(true);
      expect(failed).toHaveLength(1);
      // each command of this test opens one, and so does an attempt to write the cut-off that replaces the ended records
      expect((await connectionsOf(server())) - before).toBeLessThan(10);
      await expect(store.add(recordOf('session-1'))).rejects.toBeInstanceOf(RevocationStoreError);
      expect(failed).toHaveLength(1);
      await server().ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
      await eventually(() => store.health().lastError === undefined, 'the outage is over');
      await eventually(async () => (await server().ask('ZCARD', KEYS.records)) === 2, 'ended records are removed');
    } finally {
      await server().ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
    }
  });

  test('ended records are removed from a server without memory for writes, which makes room', async () => {
    const issuedUntil = await endRecords(600);
    await server().ask('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await isCurrentAgain(openStore({ url: server().url }));
      await eventually(async () => (await server().ask('ZCARD', KEYS.records)) === 1, 'ended records are removed');
      expect(await server().ask('HGET', KEYS.forgotten, 'https://login.example.test')).toBe(String(issuedUntil));
    } finally {
      await server().ask('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  test('rule 169: a server that refuses the same command each time is one outage, and is retried less and less often', async () => {
    const commands = README_ACL.split(' ').filter((command) => command !== '+xread');
    await server().ask('ACL', 'SETUSER', 'blind', 'on', '>secret', '~{tokenward:revocations}:*', ...commands);
    const failed = heard('tokenward:revocations-failed');
    const before = await connectionsOf(server());
    const store = openStore({ url: server().url.replace('redis://', 'redis://blind:secret@') });
    await eventually(() => failed.length > 0, 'the outage is reported');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(failed.length).toBeLessThanOrEqual(2);
    expect((await connectionsOf(server())) - before).toBeLessThan(14);
    expect(store.health().lastError).toContain('the user lacks a permission');
  });

  test('a user that may not read the cut-offs fails before all records are read', async () => {
    const commands = README_ACL.replace('+hscan', '+hgetall').split(' ');
    await server().ask('ACL', 'SETUSER', 'former', 'on', '>secret', '~{tokenward:revocations}:*', ...commands);
    await server().ask('CONFIG', 'RESETSTAT');
    const store = openStore({ url: server().url.replace('redis://', 'redis://former:secret@') });
    await reports(store, 'the user lacks a permission');
    expect(String(await server().ask('INFO', 'commandstats'))).not.toContain('cmdstat_zscan');
    await server().ask('ACL', 'SETUSER', 'former', '+hscan');
    await isCurrentAgain(store);
  });

  test('a master without replicas takes no revocations if min-replicas-to-write is set', async () => {
    const [master, replica] = [await ownServer('--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'), await ownServer()];
    await master.ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await master.ask('CONFIG', 'SET', 'min-replicas-max-lag', '10');
    await replica.ask('REPLICAOF', '127.0.0.1', String(master.port));
    await eventually(async () => /min_slaves_good_slaves:1/.test(String(await master.ask('INFO', 'replication'))), 'it has a replica');
    await seedEpoch(master);
    const [one, other] = await Promise.all([warmStore(master.url), warmStore(master.url)]);
    await one.add(recordOf('session-1'));
    await replica.kill();
    await eventually(async () => /min_slaves_good_slaves:0/.test(String(await master.ask('INFO', 'replication'))), 'it knows that it has none');
    await expect(one.add(recordOf('session-2'))).rejects.toBeInstanceOf(RevocationStoreError);
    expect(one.health().lastError).toContain('too few replicas follow it (min-replicas-to-write)');
    expect(isRevokedIn(one, 'session-2')).toBe(true);
    // it is still read, and the revocation is not taken as acknowledged
    for (let answers = 0; answers < 3; answers++) await nextAnswer(other);
    expect(other.isCurrent()).toBe(true);
    await replica.start();
    await replica.ask('REPLICAOF', '127.0.0.1', String(master.port));
    await eventually(() => isRevokedIn(other, 'session-2'), 'it is delivered when a replica is back');
  });

  test('keys of another type are reported and are not deleted', async () => {
    await server().ask('SET', KEYS.records, 'something else');
    const store = openStore({ url: server().url });
    await reports(store, 'a key under the prefix has another type');
    expect(await server().ask('GET', KEYS.records)).toBe('something else');
  });

  test('all keys are in one slot of a cluster', async () => {
    const cluster = await ownServer('--cluster-enabled', 'yes');
    await cluster.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => /cluster_state:ok/.test(String(await cluster.ask('CLUSTER', 'INFO'))), 'the cluster is ready');
    await seedEpoch(cluster);
    const [one, other] = await Promise.all([warmStore(cluster.url), warmStore(cluster.url)]);
    await one.add(recordOf('session-1'));
    await eventually(() => isRevokedIn(other, 'session-1'), 'the other knows it');
  });
});

/** Adds records that are due for removal. Returns until when the tokens that they cover were issued. */
async function endRecords(count: number): Promise<number> {
  const now = nowSeconds();
  const ended = Array.from({ length: count }, (_value, at) => [
    String(now - 10_000),
    JSON.stringify(['session', 'https://login.example.test', `over-${at}`, now - 20_000, now - 10_000, 0, 'logout']),
  ]);
  await server().ask('ZADD', KEYS.records, ...ended.flat());
  return now - 20_000;
}

/** Returns how many connections the server has received since its start. */
async function connectionsOf(server: RedisServer): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(String(await server.ask('INFO', 'stats')))![1]);
}

const README_ACL =
  '+eval +hello +info +xread +zscan +hscan +set +get +time +exists +expire +zadd +zscore +zrange +zrem +xadd +xtrim +xinfo|stream +hget +hset +hexists';
