import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { collectOutageWarnings } from '../../testing/test/outage-warnings.js';
import { startProxy } from '../test/proxy.js';
import { startRedis, type RedisServer } from '../test/redis-server.js';
import { fromUrl } from './clients.js';
import { createConnect, type Connection, type Reply } from './connection.js';
import { openLink, type Link } from './link.js';
import { StoreFailure } from './store-failure.js';

const TIMEOUT_MS = 500;
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.close());

function open(url: string, idleMs: number): Link {
  const probe = { kind: 'PING', command: ['PING'] };
  const link = openLink({ connect: createConnect(fromUrl(url, TIMEOUT_MS), TIMEOUT_MS), probe, where: url, what: 'sessions', timeoutMs: TIMEOUT_MS, idleMs });
  onTestFinished(() => link.close());
  return link;
}

async function soon(holds: () => void): Promise<void> {
  await vi.waitFor(holds, { interval: 10, timeout: 20_000 });
}

test('a server that hangs is known to be unusable without a command, and so is the end of that', async () => {
  const proxy = await startProxy(redis.port);
  onTestFinished(() => proxy.close());
  const link = open(proxy.url, 50);
  await soon(() => expect(link.isUsable).toBe(true));
  proxy.hang();
  await soon(() => expect([link.isUsable, link.lastError]).toEqual([false, expect.stringContaining('no answer')]));
  proxy.behave();
  await soon(() => expect([link.isUsable, link.lastError]).toEqual([true, undefined]));
});

test('a connection that ends while nobody uses it is replaced at once', async () => {
  const link = open(redis.url, 60_000);
  await soon(() => expect(link.isUsable).toBe(true));
  const before = String(await link.send('CLIENT', ['CLIENT', 'ID']));
  await redis.ask('CLIENT', 'KILL', 'ID', before);
  await soon(() => expect(link.isUsable).toBe(true));
  await vi.waitFor(async () => expect(String(await link.send('CLIENT', ['CLIENT', 'ID']))).not.toBe(before), { interval: 10, timeout: 20_000 });
  expect(link.lastError).toBeUndefined();
});

test('a command that the server refuses costs no new connection', async () => {
  const link = open(redis.url, 60_000);
  await soon(() => expect(link.isUsable).toBe(true));
  const connections = async () => Number(/total_connections_received:(\d+)/.exec(String(await redis.ask('INFO', 'stats')))![1]);
  const id = await link.send('CLIENT', ['CLIENT', 'ID']);
  const before = await connections();
  for (let at = 0; at < 20; at++) await expect(link.send('NONE', ['NO-SUCH-COMMAND'])).rejects.toThrow();
  expect((await connections()) - before).toBeLessThan(5);
  expect(await link.send('CLIENT', ['CLIENT', 'ID'])).toBe(id);
});

test('a server that may be the wrong one is not left at each command that it refuses, and answers others meanwhile', async () => {
  const link = open(redis.url, 60_000);
  await soon(() => expect(link.isUsable).toBe(true));
  const connections = async () => Number(/total_connections_received:(\d+)/.exec(String(await redis.ask('INFO', 'stats')))![1]);
  await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
  onTestFinished(async () => void (await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '0')));
  const before = await connections();
  for (let at = 0; at < 100; at++) {
    await expect(link.send('SET', ['SET', 'a', 'b'])).rejects.toThrow('too few replicas follow it');
    expect(await link.send('GET', ['GET', 'a'])).toBeNull();
  }
  expect((await connections()) - before).toBeLessThan(20);
  await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
  expect(await link.send('SET', ['SET', 'a', 'b'])).toBe('OK');
  expect([link.isUsable, link.lastError]).toEqual([true, undefined]);
});

test('a server that refuses writes still answers reads if no other connection can be made', async () => {
  const connect = createConnect(fromUrl(redis.url, TIMEOUT_MS), TIMEOUT_MS);
  let canConnect = true;
  let made = 0;
  const link = openLink({
    async connect() {
      if (!canConnect) throw new StoreFailure('the connection was refused');
      made++;
      return connect();
    },
    probe: { kind: 'PING', command: ['PING'] },
    where: redis.url,
    what: 'sessions',
    timeoutMs: TIMEOUT_MS,
  });
  onTestFinished(() => link.close());
  await soon(() => expect(link.isUsable).toBe(true));
  await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
  onTestFinished(async () => void (await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '0')));
  canConnect = false;
  for (let at = 0; at < 30; at++) {
    await expect(link.send('SET', ['SET', 'a', 'b'])).rejects.toThrow('too few replicas follow it');
    expect(await link.send('GET', ['GET', 'none'])).toBeNull();
    await sleep(10);
  }
  canConnect = true;
  // without a request
  await soon(() => expect(made).toBe(2));
  expect(await link.send('GET', ['GET', 'none'])).toBeNull();
});

test('a command that times out during an outage leaves no connection behind', async () => {
  let made = 0;
  const closed = new Set<number>();
  let end = (): void => {};
  let fail: (error: Error) => void = () => {};
  const connect = async () => {
    const id = ++made;
    if (id === 2) throw new StoreFailure('the connection was refused');
    const send = (command: readonly string[]): Promise<Reply> =>
      command[0] === 'PING' ? Promise.resolve('PONG') : new Promise((_resolve, reject) => void (fail = reject));
    return { isOver: false, send, onOver: (ended: () => void) => void (end = ended), blame() {}, close: () => void closed.add(id) };
  };
  const link = openLink({ connect, probe: { kind: 'PING', command: ['PING'] }, where: redis.url, what: 'sessions', timeoutMs: 60_000 });
  onTestFinished(() => link.close());
  await soon(() => expect(link.isUsable).toBe(true));
  const late = link.send('GET', ['GET', 'a']);
  await sleep(1);
  end();
  await soon(() => expect(link.lastError).toContain('the connection was refused'));
  fail(new StoreFailure('no answer within 3 s'));
  await expect(late).rejects.toThrow('no answer');
  await sleep(200);
  expect([made, closed]).toEqual([3, new Set([1])]);
});

/** A link whose connections are made when the test says so. Commands get no answer until `answers` is true. */
function openByHand(timeoutMs: number) {
  const made: ((error?: StoreFailure) => void)[] = [];
  const server = { answers: true, end: (): void => {} };
  const send = (): Promise<Reply> =>
    server.answers
      ? Promise.resolve('PONG')
      : sleep(timeoutMs).then(() => {
          throw new StoreFailure('no answer within 0.1 s');
        });
  const connect = () =>
    new Promise<Connection>((resolve, reject) => {
      const state = { isOver: false };
      const onOver = (ended: () => void): void => {
        server.end = () => {
          state.isOver = true;
          ended();
        };
      };
      const one = {
        get isOver() {
          return state.isOver;
        },
        send,
        onOver,
        blame() {},
        close: () => void (state.isOver = true),
      };
      made.push((error) => (error ? reject(error) : resolve(one)));
    });
  const link = openLink({ connect, probe: { kind: 'PING', command: ['PING'] }, where: 'redis://redis.example.test', what: 'sessions', timeoutMs });
  onTestFinished(() => link.close());
  const timed = async (): Promise<number> => {
    const began = performance.now();
    await link.send('GET', ['GET', 'a']).catch(() => {});
    return performance.now() - began;
  };
  return { link, made, server, timed };
}

const HAND_TIMEOUT_MS = 300;

test('once a server did not answer in time, commands do not wait for a new connection that hangs', async () => {
  const { link, made, server, timed } = openByHand(HAND_TIMEOUT_MS);
  made[0]!();
  await soon(() => expect(link.isUsable).toBe(true));
  server.answers = false;
  expect(await timed()).toBeGreaterThan(HAND_TIMEOUT_MS - 20);
  await soon(() => expect(made).toHaveLength(2));
  for (let at = 0; at < 5; at++) expect(await timed()).toBeLessThan(HAND_TIMEOUT_MS / 3);
  await expect(link.send('GET', ['GET', 'a'])).rejects.toThrow('no answer within');
  const patient = link.send('GET', ['GET', 'a'], true);
  // one attempt, however many commands fail meanwhile
  expect(made).toHaveLength(2);
  server.answers = true;
  made[1]!();
  expect(await patient).toBe('PONG');
  await soon(() => expect(link.isUsable).toBe(true));
  expect(await link.send('GET', ['GET', 'a'])).toBe('PONG');
});

test('commands wait for the connection after one that has ended, but only until one of them has waited in vain', async () => {
  const { link, made, server, timed } = openByHand(HAND_TIMEOUT_MS);
  made[0]!();
  await soon(() => expect(link.isUsable).toBe(true));
  server.end();
  await soon(() => expect(made).toHaveLength(2));
  const waiting = link.send('GET', ['GET', 'a']);
  await sleep(HAND_TIMEOUT_MS / 3);
  made[1]!();
  expect(await waiting).toBe('PONG');
  server.end();
  await soon(() => expect(made).toHaveLength(3));
  expect(await timed()).toBeGreaterThan(HAND_TIMEOUT_MS - 20);
  for (let at = 0; at < 5; at++) expect(await timed()).toBeLessThan(HAND_TIMEOUT_MS / 3);
  expect([made.length, link.isUsable]).toEqual([3, false]);
  made[2]!();
  await soon(() => expect(link.isUsable).toBe(true));
  expect(await link.send('GET', ['GET', 'a'])).toBe('PONG');
});

test('so many commands that wait that no more are sent: one warning when that begins, and one when it ends', async () => {
  const { seen } = collectOutageWarnings();
  const held: ((reply: Reply) => void)[] = [];
  const send = (command: readonly string[]): Promise<Reply> =>
    command[0] === 'PING' ? Promise.resolve('PONG') : new Promise((resolve) => void held.push(resolve));
  const connect = async () => ({ isOver: false, send, onOver() {}, blame() {}, close() {} });
  const where = 'redis://redis.example.test';
  const link = openLink({ connect, probe: { kind: 'PING', command: ['PING'] }, where, what: 'sessions', timeoutMs: 60_000 });
  onTestFinished(() => link.close());
  const sent = Array.from({ length: 10_000 }, () => link.send('GET', ['GET', 'a']));
  for (let further = 0; further < 3; further++) await expect(link.send('GET', ['GET', 'a'])).rejects.toThrow('too many commands wait for an answer');
  await soon(() => expect(held).toHaveLength(10_000));
  expect(await seen()).toEqual([expect.stringMatching(/^tokenward: 10000 commands for the sessions in .* answered with 503 .* Look at the latency of Redis/)]);
  for (const resolve of held) resolve(null);
  await Promise.all(sent);
  expect(await seen()).toEqual([expect.anything(), `tokenward: few commands for the sessions in ${where} wait for an answer again`]);
});
