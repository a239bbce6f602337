import { RevocationStoreError } from '@tokenward/core';
import type { RevocationRecord } from '@tokenward/core/store';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Connection } from './connection.js';
import { keysOf } from './data-set.js';
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

function open(connect: () => Promise<Connection>): Writer {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const outage = { begin() {}, end() {} };
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
