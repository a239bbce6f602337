import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { redisSessions, SessionStoreError } from '@tokenward/redis';
import { createTestClock } from '@tokenward/testing';
import { createCluster } from 'redis';
import { describe, expect, test } from 'vitest';
import { startProxy } from './proxy.js';
import { startCluster } from './redis-fleet.js';
import { freePort } from '../../testing/test/free-port.js';
import { hashOf, openSessions, storedSession } from './sessions.js';
import { closing, eventually, ownServer, useServer } from './stores.js';

const server = useServer();
const KEY = hashOf('leased');

/** Returns how many bytes the server has sent to all clients. */
async function sentBytes(): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(String(await server().ask('INFO', 'stats')))![1]);
}

function leaseHolder(url: string, ttlSeconds: number): { readonly output: Promise<string>; kill(): Promise<void> } {
  const program = fileURLToPath(new URL('lease-holder.ts', import.meta.url));
  const child = spawn(process.execPath, [program, url, KEY, String(ttlSeconds)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { output: once(child.stdout, 'data').then(([data]) => String(data)), kill: closing(kill, (kill) => kill()) };
}

describe('what is in Redis', () => {
  test('all keys are in one hash slot, and each ends by itself', async () => {
    const store = openSessions({ url: server().url });
    const session = storedSession();
    await store.create(session);
    await store.lease(KEY, 60);
    await store.replace({ ...session, version: 2 }, 1);
    const names = (await server().ask('KEYS', '*tokenward:sessions*')) as string[];
    expect(names.sort()).toEqual(
      [`session:${session.key}`, `label:${session.labels[0]}`, `label:${session.labels[1]}`, `lease:${KEY}`]
        .map((name) => `{tokenward:sessions}:${name}`)
        .sort(),
    );
    for (const name of names) {
      const milliseconds = Number(await server().ask('PTTL', name));
      expect(milliseconds).toBeGreaterThan(0);
      expect(milliseconds).toBeLessThanOrEqual(3_601_000);
    }
  });

  test('rule 306: a session has the fields of the first release', async () => {
    const store = openSessions({ url: server().url });
    const session = storedSession();
    await store.create(session);
    const fields = (await server().ask('HGETALL', `{tokenward:sessions}:session:${session.key}`)) as string[];
    const { sealed, version, until, issuedAt, labels } = session;
    const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : []));
    expect(Object.fromEntries(pairs)).toEqual({ s: sealed, v: `${version}`, u: `${until}`, i: `${issuedAt}`, l: labels.join(' ') });
  });

  test('the life of a session counts by the clock of the process, not by the clock of the server', async () => {
    const clock = createTestClock('2020-01-01T00:00:00Z');
    const store = openSessions({ url: server().url, clock });
    const session = storedSession({ until: clock.now() / 1000 + 60 });
    await store.create(session);
    expect(Number(await server().ask('PTTL', `{tokenward:sessions}:session:${session.key}`))).toBeGreaterThan(50_000);
    clock.advance(59);
    expect(await store.read(session.key)).toEqual(session);
    clock.advance(1);
    expect(await store.read(session.key)).toBeUndefined();
    expect(await store.replace({ ...session, version: 2, until: session.until + 60 }, 1)).toBe('absent');
    expect(await store.remove(session.key)).toBeUndefined();
  });

  test('a longer life of a session prolongs its labels', async () => {
    const store = openSessions({ url: server().url });
    const session = storedSession();
    await store.create(session);
    await store.replace({ ...session, version: 2, until: session.until + 3600 }, 1);
    for (const label of session.labels) {
      expect(Number(await server().ask('PTTL', `{tokenward:sessions}:label:${label}`))).toBeGreaterThan(3_700_000);
      expect(Number(await server().ask('ZSCORE', `{tokenward:sessions}:label:${label}`, session.key))).toBe(session.until + 3600);
    }
  });

  test('one user cannot fill the store: of more than 1000 sessions with a label, those that end first are removed', async () => {
    const store = openSessions({ url: server().url });
    const now = Math.floor(Date.now() / 1000);
    const sessions = Array.from({ length: 1010 }, (_value, at) => storedSession({ until: now + 1000 + at, labels: [hashOf('sub-1')] }));
    await Promise.all(sessions.map(async (session) => store.create(session)));
    const left = await Promise.all(sessions.map(async ({ key }) => store.read(key)));
    expect(left.filter((session) => session !== undefined).length).toBe(1000);
    expect(left.at(-1)).toBeDefined();
    expect(await store.removeLabelled(hashOf('sub-1'))).toHaveLength(1000);
  });

  test('of very many sessions with a label, all are removed, and those that fit into 1 MiB are returned', async () => {
    const store = openSessions({ url: server().url });
    const label = hashOf('sub-1');
    const sessions = Array.from({ length: 20 }, () => storedSession({ sealed: 'x'.repeat(65_536), labels: [label] }));
    await Promise.all(sessions.map(async (session) => store.create(session)));
    expect(await store.removeLabelled(label)).toHaveLength(16);
    for (const { key } of sessions) expect(await store.read(key)).toBeUndefined();
  });

  test('names of a label without a session are removed, and none of them is sent to clients', async () => {
    const store = openSessions({ url: server().url });
    const session = storedSession();
    await store.create(session);
    const label = session.labels[0]!;
    const add = `for at = 1, 50000 do redis.call('ZADD', '{tokenward:sessions}:label:${label}', at, string.rep('x', 43) .. at) end`;
    await server().ask('EVAL', add, '0');
    const before = await sentBytes();
    expect(await store.removeLabelled(label)).toEqual([session]);
    expect((await sentBytes()) - before).toBeLessThan(65_536);
    expect(await server().ask('EXISTS', `{tokenward:sessions}:label:${label}`)).toBe(0);
  });

  test('a label forgets sessions that ended an hour ago', async () => {
    const clock = createTestClock();
    const store = openSessions({ url: server().url, clock });
    const label = hashOf('sub-1');
    await store.create(storedSession({ labels: [label], until: clock.now() / 1000 + 10 }));
    await server().ask('PERSIST', `{tokenward:sessions}:label:${label}`);
    clock.advance(3611);
    await store.create(storedSession({ labels: [label], until: clock.now() / 1000 + 10 }));
    expect(await server().ask('ZCARD', `{tokenward:sessions}:label:${label}`)).toBe(1);
  });

  test('what others put under the prefix is no session', async () => {
    const store = openSessions({ url: server().url });
    const key = hashOf('foreign');
    const name = `{tokenward:sessions}:session:${key}`;
    const until = String(Math.floor(Date.now() / 1000) + 60);
    for (const members of [
      ['s', 'x'],
      ['s', 'x', 'v', 'one', 'u', until, 'l', '', 'i', '1'],
      ['s', 'x', 'v', '1', 'u', 'inf', 'l', '', 'i', '1'],
      ['s', 'x', 'v', '1', 'u', until, 'l', 'a:b', 'i', '1'],
      ['s', 'x', 'v', '1', 'u', until, 'l', Array.from({ length: 9 }, () => 'a').join(' '), 'i', '1'],
      ['s', 'x', 'v', '1', 'u', until, 'l', '', 'i', 'then'],
      ['s', 'x'.repeat(200_000), 'v', '1', 'u', until, 'l', '', 'i', '1'],
    ]) {
      await server().ask('DEL', name);
      await server().ask('HSET', name, ...members);
      expect(await store.read(key)).toBeUndefined();
    }
    await server().ask('HSET', name, 's', 'x', 'v', '1', 'u', until, 'l', '', 'i', '1');
    expect(await store.read(key)).toMatchObject({ sealed: 'x' });
    await server().ask('DEL', name);
    await server().ask('SET', name, 'PLANTED');
    await expect(store.read(key)).rejects.toThrow('a key under the prefix has another type');
  });

  test('the user of the ACL in the README may do everything', async () => {
    const own = await ownServer();
    const readme = await import('node:fs/promises').then((fs) => fs.readFile(new URL('../README.md', import.meta.url), 'utf8'));
    const line = /ACL SETUSER sessions (.*)/.exec(readme)![1]!;
    await own.ask('ACL', 'SETUSER', 'sessions', ...line.split(' '));
    const store = openSessions({ url: own.url.replace('redis://', 'redis://sessions:secret@') });
    await store.warm();
    const session = storedSession();
    await store.create(session);
    expect(await store.read(session.key)).toEqual(session);
    expect(await store.replace({ ...session, version: 2 }, 1)).toBe('replaced');
    await (await store.lease(KEY, 60))!.release();
    expect(await store.remove(session.key)).toEqual({ ...session, version: 2 });
    await store.create(storedSession());
    expect(await store.removeLabelled(hashOf('sub-1'))).toHaveLength(1);
    // the line grants nothing that is not needed: without INFO, only the warning about eviction is missing
    const commands = line.split(' ').filter((part) => part.startsWith('+') && part !== '+info');
    for (const command of commands) {
      await own.ask('ACL', 'SETUSER', 'sessions', `-${command.slice(1)}`);
      const attempts = async (): Promise<void> => {
        const one = storedSession({ labels: [hashOf('sub-1')] });
        await store.read(one.key);
        await store.create(one);
        await store.replace({ ...one, version: 2 }, 1);
        await store.remove(one.key);
        await store.removeLabelled(hashOf('sub-1'));
        const lease = await store.lease(hashOf(command), 60);
        await lease!.release();
        if (await store.lease(hashOf(command), 60)) return;
        throw new SessionStoreError('the user lacks a permission: the lease was not released');
      };
      await expect(attempts(), command).rejects.toThrow('the user lacks a permission');
      await own.ask('ACL', 'SETUSER', 'sessions', command);
      await store.warm();
    }
  });
});

describe('a lease', () => {
  test('a process that dies with the lease keeps it only until the lease ends', async () => {
    const store = openSessions({ url: server().url });
    const holder = leaseHolder(server().url, 2);
    expect(await holder.output).toBe('taken');
    expect(await store.lease(KEY, 60)).toBeUndefined();
    await holder.kill();
    await eventually(async () => (await store.lease(KEY, 60)) !== undefined, 'the lease of the dead process ends');
  });

  test('a lease that would hardly end is refused, and is no outage of Redis', async () => {
    const store = openSessions({ url: server().url });
    await store.warm();
    const refused = store.lease(KEY, 1e20);
    await expect(refused).rejects.toThrow('lease(key, ttlSeconds): must be a number of seconds greater than 0, and at most 86400 (got 100000000000000000000)');
    expect(store.health()).toMatchObject({ usable: true, lastError: undefined });
    expect(await store.lease(KEY, 86_400)).toBeDefined();
  });

  test('a lease whose answer comes too late is given back', async () => {
    const proxy = closing(await startProxy(server().port), (proxy) => proxy.close());
    const store = openSessions({ url: proxy.url, timeoutSeconds: 0.5 });
    await store.warm();
    const sent = proxy.holdReplies('NX');
    const lease = expect(store.lease(KEY, 60)).rejects.toBeInstanceOf(SessionStoreError);
    await sent;
    await lease;
    const other = openSessions({ url: server().url });
    await eventually(async () => (await other.lease(KEY, 60)) !== undefined, 'another process gets the lease');
  });

  test('a release that Redis does not confirm is no failure: the lease ends by itself', async () => {
    const own = await ownServer();
    const store = openSessions({ url: own.url, timeoutSeconds: 1 });
    const lease = await store.lease(KEY, 60);
    await own.kill();
    await expect(lease!.release()).resolves.toBeUndefined();
  });
});

test('a cluster: all keys of a script are on one node', async () => {
  const cluster = closing(await startCluster(), (cluster) => cluster.close());
  const client = createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) });
  const store = openSessions({ client });
  await store.warm();
  const [one, two] = [storedSession(), storedSession({ labels: [hashOf('sub-1')] })];
  await store.create(one);
  await store.create(two);
  expect(await store.replace({ ...one, version: 2 }, 1)).toBe('replaced');
  expect(await store.read(two.key)).toEqual(two);
  await (await store.lease(KEY, 60))!.release();
  expect(await store.lease(KEY, 60)).toBeDefined();
  expect(await store.remove(two.key)).toEqual(two);
  expect(await store.removeLabelled(hashOf('sub-1'))).toHaveLength(1);
});

describe('a server that fails', () => {
  test('FLUSHALL ends all sessions, and nothing else', async () => {
    const store = openSessions({ url: server().url });
    const session = storedSession();
    await store.create(session);
    const lease = await store.lease(KEY, 60);
    await server().ask('FLUSHALL');
    expect(await store.read(session.key)).toBeUndefined();
    expect(await store.replace({ ...session, version: 2 }, 1)).toBe('absent');
    expect(await store.removeLabelled(session.labels[0]!)).toHaveLength(0);
    expect(await store.remove(session.key)).toBeUndefined();
    await lease!.release();
    await store.create(session);
    expect(await store.read(session.key)).toEqual(session);
    expect(store.health()).toEqual({ usable: true, entries: undefined, lastError: undefined });
  });

  test('an unreachable server is a SessionStoreError at once, and is used when it is back, without a request', async () => {
    const late = await ownServer();
    await late.kill();
    const store = openSessions({ url: late.url, timeoutSeconds: 2 });
    expect(store.health().usable).toBe(false);
    const session = storedSession({ sealed: 'PLANTED' });
    const calls: readonly (() => unknown)[] = [
      () => store.create(session),
      () => store.read(session.key),
      () => store.replace(session, 1),
      () => store.remove(session.key),
      () => store.removeLabelled(session.labels[0]!),
      () => store.lease(session.key, 10),
      () => store.warm(),
    ];
    for (const call of calls) {
      const error = await (call() as Promise<unknown>).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(SessionStoreError);
      expect((error as Error).message).toBe(`${late.url}: the connection was refused`);
      expect(inspect(error, { depth: 9 })).not.toMatch(/PLANTED/);
    }
    expect(store.health()).toEqual({ usable: false, entries: undefined, lastError: `${late.url}: the connection was refused` });
    await late.start();
    await eventually(() => store.health().usable, 'the store is usable again');
    await store.create(session);
  });

  test('health() tells of an outage, and of its end, without a call', async () => {
    const own = await ownServer();
    const store = openSessions({ url: own.url });
    await store.warm();
    await own.kill();
    await eventually(() => !store.health().usable, 'the outage is known');
    // a connection that is made while the server ends is reset first
    await eventually(() => store.health().lastError?.endsWith(': the connection was refused'), 'the reason of the outage is known');
    await own.start();
    await eventually(() => store.health().usable, 'the end of the outage is known');
    expect(store.health().lastError).toBeUndefined();
  });

  test('a server that hangs: each call ends in time, later ones at once, and it is used when it answers again', async () => {
    const proxy = closing(await startProxy(server().port), (proxy) => proxy.close());
    const store = openSessions({ url: proxy.url, timeoutSeconds: 0.5 });
    await store.warm();
    const session = storedSession();
    await store.create(session);
    proxy.hang();
    const started = performance.now();
    const reads = await Promise.allSettled(Array.from({ length: 100 }, async () => store.read(session.key)));
    for (const read of reads)
      expect(read).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/no answer within 0\.5 s|connection/) as string } });
    expect(performance.now() - started).toBeLessThan(5000);
    await eventually(() => store.health().lastError?.includes('no answer') === true && !store.health().usable, 'the outage is known');
    proxy.behave();
    await eventually(() => store.health().usable, 'the store is usable again');
    expect(await store.read(session.key)).toEqual(session);
  });

  test('a call that timed out while it connected is not made later', async () => {
    const proxy = closing(await startProxy(server().port), (proxy) => proxy.close());
    proxy.delay(300);
    const store = openSessions({ url: proxy.url, timeoutSeconds: 0.5 });
    await expect(store.lease(KEY, 600)).rejects.toBeInstanceOf(SessionStoreError);
    proxy.delay(0);
    await eventually(() => store.health().usable, 'the store is usable');
    expect(await store.lease(KEY, 600)).toBeDefined();
  });

  test('a server that hangs does not fill the memory: the number of calls that wait is bounded', async () => {
    const proxy = closing(await startProxy(server().port), (proxy) => proxy.close());
    const store = openSessions({ url: proxy.url });
    await store.warm();
    proxy.hang();
    const calls = Array.from({ length: 10_001 }, async () => store.read(KEY));
    await expect(calls.at(-1)).rejects.toThrow('too many commands wait for an answer');
    await store.close();
    await Promise.allSettled(calls);
  });

  test('a connection that breaks between two calls is replaced, and no call fails', async () => {
    const store = openSessions({ url: server().url });
    const session = storedSession();
    await store.create(session);
    for (let round = 0; round < 5; round++) {
      await server().ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      // the socket's end must arrive first: before that, nobody can know
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await store.read(session.key)).toEqual(session);
    }
  });

  test('a replica is not asked: it may be behind, and show sessions that have ended', async () => {
    const own = await ownServer();
    const store = openSessions({ url: own.url, timeoutSeconds: 2 });
    const session = storedSession();
    await store.create(session);
    await own.ask('REPLICAOF', '127.0.0.1', String(server().port));
    await expect(store.read(session.key)).rejects.toThrow(/replica|LOADING|loading|lost its master/);
    expect(store.health().usable).toBe(false);
    await own.ask('REPLICAOF', 'NO', 'ONE');
    await eventually(() => store.health().usable, 'the store is usable again');
  });

  test('without memory, sessions are read and ended, and none is added', async () => {
    const own = await ownServer('--maxmemory-policy', 'noeviction');
    const store = openSessions({ url: own.url });
    const session = storedSession();
    await store.create(session);
    await own.ask('CONFIG', 'SET', 'maxmemory', '1');
    await expect(store.create(storedSession())).rejects.toThrow('Redis has no memory left for writes');
    expect(await store.read(session.key)).toEqual(session);
    expect(await store.remove(session.key)).toEqual(session);
  });

  test('an outage prints one warning when it begins and one when it ends', async () => {
    const own = await ownServer();
    const warnings: string[] = [];
    const listener = (warning: Error): void => void (warning.message.includes(own.url) && warnings.push(warning.message));
    process.on(
      'warning',
      closing(listener, (listener) => process.off('warning', listener)),
    );
    const store = openSessions({ url: own.url, timeoutSeconds: 2 });
    await store.warm();
    await own.kill();
    for (let call = 0; call < 5; call++) await expect(store.read(KEY)).rejects.toBeInstanceOf(SessionStoreError);
    await own.start();
    await eventually(() => warnings.length >= 2, 'the end is printed');
    expect(warnings).toEqual([
      expect.stringMatching(
        /^tokenward: cannot use the sessions in redis:\/\/127\.0\.0\.1:\d+: the connection .*\. Requests that need them are answered with 503 until the outage ends\.$/,
      ),
      `tokenward: using the sessions in ${own.url} again`,
    ]);
  });

  test('a closed store refuses every call, also those that wait', async () => {
    const proxy = closing(await startProxy(server().port), (proxy) => proxy.close());
    const store = openSessions({ url: proxy.url });
    await store.warm();
    proxy.hang();
    const waiting = store.read(KEY);
    await store.close();
    await expect(waiting).rejects.toThrow('the store was closed');
    await expect(store.read(KEY)).rejects.toThrow('the store was closed');
    await expect(store.warm()).rejects.toThrow('the store was closed');
    await store.close();
  });

  test('rule 139: nothing that the store shows holds a password', async () => {
    const store = redisSessions({ url: `redis://PLANTED:PLANTED@127.0.0.1:${await freePort()}/0`, timeoutSeconds: 1 });
    const error = await store.warm().catch((error: unknown) => error);
    expect(`${inspect(error, { depth: 9, showHidden: true })}${inspect(store, { depth: 9 })}${JSON.stringify(store.health())}`).not.toMatch(/PLANTED/);
    await store.close();
  });
});
