import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { freePort } from '../../testing/test/free-port.js';

/** A real redis-server, in its own process and folder. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Sends one command over a new connection. */
  ask(...command: readonly string[]): Promise<unknown>;
  /** Kills it with SIGKILL. What was not on its disk is lost. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the data on its disk. */
  start(): Promise<void>;
  /** Removes the data on its disk. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

const ANSWERS_WITHIN_MS = 30_000;
/** The epoch of an old data set: no process waits for others to write it back. */
const OLD_EPOCH = '1700000000.00000000-0000-4000-8000-000000000000';

export async function startRedis(...args: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  let folder = await mkdtemp(join(tmpdir(), 'tokenward-redis-'));
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...args], {
      stdio: 'ignore',
    });
    running = child;
    const failed = once(child, 'error').then(([error]: Error[]) => {
      throw new Error(`these tests need redis-server, which cannot be started (${error!.message}): apt-get install redis-server`);
    });
    const ended = once(child, 'exit').then(([code]: number[]) => {
      throw new Error(`redis-server exited with ${code} at its start: ${args.join(' ')}`);
    });
    await Promise.race([answers(), failed, ended]);
    failed.catch(() => {});
    ended.catch(() => {});
  }

  async function answers(): Promise<void> {
    const end = Date.now() + ANSWERS_WITHIN_MS;
    for (;;) {
      try {
        await ask('PING');
        return;
      } catch (error) {
        // it answers, and asks for a password that this connection does not have
        if (/^(NOAUTH|WRONGPASS)/.test((error as Error).message)) return;
        if (Date.now() > end) throw new Error(`redis-server does not answer on port ${port}`);
        await sleep(20);
      }
    }
  }

  async function ask(...command: readonly string[]): Promise<unknown> {
    const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, RESP: 2, maintNotifications: 'disabled' });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.sendCommand([...command]);
    } finally {
      client.destroy();
    }
  }

  async function kill(): Promise<void> {
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await exited;
  }

  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    ask,
    kill,
    start,
    async wipe() {
      await rm(folder, { recursive: true, force: true });
      folder = await mkdtemp(join(tmpdir(), 'tokenward-redis-'));
    },
    async close() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Creates an old data set under a prefix. */
export async function seedEpoch(server: RedisServer, prefix = 'tokenward:revocations'): Promise<void> {
  await server.ask('SET', `{${prefix}}:epoch`, OLD_EPOCH);
  await server.ask('ZADD', `{${prefix}}:records`, '+inf', OLD_EPOCH);
  await server.ask('HSET', `{${prefix}}:forgotten`, OLD_EPOCH, '0');
}
