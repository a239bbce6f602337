import { RevocationStoreError } from '@tokenward/core';
import type { RevocationRecord } from '@tokenward/core/store';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Connection } from './connection.js';
import { keysOf } from './data-set.js';
import type { Outage } from './outages.js';
import { StoreFailure } from './store-failure.js';
import { createWriter, type Writer } from './writer.js';

const NOW = 1_900_000_000;

function recordOf(value: string): RevocationRecord {
  return { kind: 'session', issuer: 'https://login.example.test', value, issuedUntil: NOW, until: NOW + 3600, isFinal: false, reason: 'logout' };
}

/** A server that answers when it may, and knows what it was sent. */
function createServer() {
  const sent: string[] = [];
  const waiting: (() => void)[] = [];
  const server = {
    answers: true,
    sent,
    answerAll: () => waiting.splice(0).forEach((answer) => answer()),
    connect(): Connection {
      return {
        isOver: false,
        async send(command) {
          sent.push(command.join(' '));
          if (!server.answers) await new Promise<void>((answer) => waiting.push(answer));
          return 1;
        },
        blame() {},
        onOver() {},
        close() {},
      };
    },
    has: (value: string) => sent.some((command) => command.includes(`"${value}"`)),
  };
  return server;
}

function open(connect: () => Promise<Connection>, outage: Outage = { begin() {}, end() {} }): Writer {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  return createWriter({ connect, keys: keysOf('test'), outage, timeoutMs: 5000, signal: abort.signal, onOverflow() {} });
}

test('rule 115: what the old server acknowledged is sent to the one that the reader has connected to', async () => {
  const [old, successor] = [createServer(), createServer()];
  let current = old;
  const writer = open(async () => current.connect());
  await writer.send(recordOf('known'));
  current = successor;
  writer.reconnect();
  writer.sendUnconfirmed();
  await vi.waitFor(() => expect([writer.isIdle, successor.has('known')]).toEqual([true, true]));
});

test('rule 115: a revocation counts as sent only when the server has it that the reader has connected to meanwhile', async () => {
  const [old, successor] = [createServer(), createServer()];
  let current = old;
  old.answers = false;
  const writer = open(async () => current.connect());
  const sending = writer.send(recordOf('late'));
  await vi.waitFor(() => expect(old.has('late')).toBe(true));
  current = successor;
  writer.reconnect();
  old.answerAll();
  await sending;
  expect(successor.has('late')).toBe(true);
});

test('rule 169: a server that refuses writes gets no new connection for each attempt', async () => {
  const refused = new StoreFailure('Redis has no memory left for writes', true, 'OOM');
  const server = createServer();
  const send = vi.fn<() => Promise<number>>();
  send.mockResolvedValueOnce(1).mockRejectedValueOnce(refused).mockRejectedValueOnce(refused).mockRejectedValueOnce(refused).mockResolvedValue(1);
  const connect = vi.fn<() => Promise<Connection>>(async () => ({ ...server.connect(), send }));
  const outage = { begin: vi.fn<() => void>(), end: vi.fn<() => void>() };
  const writer = open(connect, outage);
  await writer.send(recordOf('before'));
  await expect(writer.send(recordOf('refused'))).rejects.toBeInstanceOf(RevocationStoreError);
  await vi.waitFor(() => expect(writer.isIdle).toBe(true), { timeout: 20_000 });
  expect(connect).toHaveBeenCalledOnce();
  expect(outage.begin).toHaveBeenCalledTimes(3);
  expect(send).toHaveBeenCalledTimes(5);
});

test('close() tries once more to send what was not sent, without waiting for the pause between attempts', async () => {
  const server = createServer();
  let isReachable = false;
  const connect = vi.fn<() => Promise<Connection>>(async () => {
    if (!isReachable) throw new StoreFailure('the connection was refused');
    return server.connect();
  });
  const writer = open(connect);
  await expect(writer.send(recordOf('unsent'))).rejects.toBeInstanceOf(RevocationStoreError);
  isReachable = true;
  await writer.close();
  expect(server.has('unsent')).toBe(true);
});

test('close() ends after one failed attempt', async () => {
  const connect = vi.fn<() => Promise<Connection>>(() => Promise.reject(new StoreFailure('the connection was refused')));
  const writer = open(connect);
  await expect(writer.send(recordOf('unsent'))).rejects.toBeInstanceOf(RevocationStoreError);
  const before = connect.mock.calls.length;
  await writer.close();
  expect(connect.mock.calls.length - before).toBeLessThanOrEqual(1);
  await expect(writer.send(recordOf('too-late'))).rejects.toThrow('the revocation is in effect in this process only, because the store was closed');
});
