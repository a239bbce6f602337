import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RevocationStoreError } from '@tokenward/redis';
import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import { freePort } from './redis-server.js';
import { seedEpoch } from './redis-server.js';
import { eventually, isCurrentAgain, isRevokedIn, KEYS, openStore, ownServer, recordOf, useServer, valuesIn, warmStore } from './stores.js';

const server = useServer('--repl-diskless-sync-delay', '0');

describe('a server that says no', () => {
  test('a wrong password is told without it', async () => {
    const closed = await ownServer('--requirepass', 'correct');
    const store = openStore({ url: `redis://:PLANTED@127.0.0.1:${closed.port}` });
    await expect(store.warm()).rejects.toThrow(`redis://127.0.0.1:${closed.port}: it does not take the name or the password`);
    expect(JSON.stringify(store.health())).not.toMatch(/PLANTED/);
    const right = await warmStore(`redis://:correct@127.0.0.1:${closed.port}`);
    expect(right.isCurrent()).toBe(true);
  });

  test('a user who may do no more than the README says can do all that is needed', async () => {
    await server().ask('ACL', 'SETUSER', 'tokenward', 'on', '>secret', '~{tokenward:revocations}:*', ...README_ACL.split(' '));
    const url = server().url.replace('redis://', 'redis://tokenward:secret@');
    const [one, other] = await Promise.all([warmStore(url), warmStore(url)]);
    await one.add(recordOf('session-1'));
    await eventually(() => isRevokedIn(other, 'session-1'), 'the other knows');
    const wrong = openStore({ url, prefix: 'elsewhere' });
    await expect(wrong.warm()).rejects.toThrow('the user may not do what is needed');
  });

  test('one that shows a certificate of nobody’s is not talked to; with its own, it is', async () => {
    const folder = fileURLToPath(new URL('../../core/test/self-signed/', import.meta.url));
    const port = await freePort();
    const files = ['--tls-cert-file', `${folder}cert.pem`, '--tls-key-file', `${folder}key.pem`, '--tls-ca-cert-file', `${folder}cert.pem`];
    await ownServer('--tls-port', String(port), '--tls-auth-clients', 'no', ...files);
    const wary = openStore({ url: `rediss://localhost:${port}` });
    await expect(wary.warm()).rejects.toThrow(`rediss://localhost:${port}: it fails (DEPTH_ZERO_SELF_SIGNED_CERT)`);
    const client = createClient({ socket: { tls: true, host: 'localhost', port, ca: await readFile(`${folder}cert.pem`) } });
    const store = openStore({ client });
    await store.warm();
    await store.add(recordOf('session-1'));
    expect(store.isCurrent()).toBe(true);
  });

  test('a replica is not relied upon, whatever it knows; it is, once it is the master', async () => {
    const replica = await ownServer('--replicaof', '127.0.0.1', String(server().port));
    const one = await warmStore(server().url);
    await one.add(recordOf('session-1'));
    const store = openStore({ url: replica.url });
    await expect(store.warm()).rejects.toThrow('it is a replica');
    await expect(store.add(recordOf('session-2'))).rejects.toBeInstanceOf(RevocationStoreError);
    await eventually(async () => (await replica.ask('ZCARD', KEYS.records)) === 2, 'the replica has it');
    await replica.ask('REPLICAOF', 'NO', 'ONE');
    await isCurrentAgain(store);
    expect(isRevokedIn(store, 'session-1')).toBe(true);
    await eventually(async () => (await valuesIn(replica)).length === 2, 'what was not sent is');
    await replica.ask('REPLICAOF', '127.0.0.1', String(server().port));
    await eventually(
      () => store.health().lastError?.endsWith('it is a replica, which may be behind') && !store.isCurrent(),
      'nor is a master that becomes one',
    );
  });

  test('one without memory for writes is read from nevertheless', async () => {
    const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
    await one.add(recordOf('session-1'));
    await server().ask('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await expect(one.add(recordOf('session-2'))).rejects.toBeInstanceOf(RevocationStoreError);
      expect(one.health().lastError).toMatch(/it has no memory left for writes/);
      await new Promise((resolve) => setTimeout(resolve, 1200));
      expect(other.isCurrent()).toBe(true);
    } finally {
      await server().ask('CONFIG', 'SET', 'maxmemory', '0');
    }
    await eventually(() => isRevokedIn(other, 'session-2'), 'it is delivered when there is room');
    await eventually(() => one.health().lastError === undefined, 'nothing is wrong any more');
  });

  test('keys that are something else are told, and are nobody’s to delete', async () => {
    await server().ask('SET', KEYS.records, 'something else');
    const store = openStore({ url: server().url });
    await expect(store.warm()).rejects.toThrow('a key with this prefix is something else');
    expect(await server().ask('GET', KEYS.records)).toBe('something else');
  });

  test('one server of a cluster keeps all keys in one slot', async () => {
    const cluster = await ownServer('--cluster-enabled', 'yes');
    await cluster.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => /cluster_state:ok/.test(String(await cluster.ask('CLUSTER', 'INFO'))), 'the cluster is ready');
    await seedEpoch(cluster);
    const [one, other] = await Promise.all([warmStore(cluster.url), warmStore(cluster.url)]);
    await one.add(recordOf('session-1'));
    await eventually(() => isRevokedIn(other, 'session-1'), 'the other knows');
  });
});

const README_ACL =
  '+eval +hello +info +xread +zscan +hgetall +set +get +time +exists +expire +zadd +zscore +zrange +zrem +xadd +xtrim +xinfo|stream +hget +hset +hexists';
