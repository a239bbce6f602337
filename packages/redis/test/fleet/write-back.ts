// Measures for how long four processes answer 503 after FLUSHALL, and how long they take to write everything back:
//
//   node packages/redis/test/fleet/write-back.ts [numbers of live revocations, by commas] [the index.js of another build, to compare with]
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { seedEpoch, startRedis, type RedisServer } from '../redis-server.ts';
import type { Watched } from './write-back-process.ts';

const PROCESSES = 4;
const RECORDS = '{tokenward:revocations}:records';
const MOST_MS = 120_000;
/** How long the processes are watched after all of them answer: none may stop again. */
const WATCHED_AFTER_MS = 3000;

interface Outcome {
  /** The longest time for which a process answered 503. */
  readonly refusedMs: number;
  /** From the loss until all processes answer again for good. */
  readonly currentMs: number;
  /** From the loss until everything is in Redis again. */
  readonly restoredMs: number;
}

const lives = (process.argv[2] ?? '20000,100000,300000').split(',').map(Number);
const other = process.argv[3];
const builds: readonly (readonly [string, string])[] = [
  ...(other === undefined ? [] : [['that', pathToFileURL(resolve(other)).href] as const]),
  ['this', '@tokenward/redis'],
];

process.stdout.write(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]!.model}), load ${loadavg()[0]!.toFixed(1)}, ${PROCESSES} processes\n`);
process.stdout.write(`${'live'.padStart(8)}  ${'build'.padEnd(6)}${['503 at most', 'all answer', 'all written'].map((head) => head.padStart(13)).join('')}\n`);
for (const live of lives) {
  for (const [name, build] of builds) {
    const { refusedMs, currentMs, restoredMs } = await measure(live, build);
    const figures = [refusedMs, currentMs, restoredMs].map((ms) => `${(ms / 1000).toFixed(2)} s`.padStart(13)).join('');
    process.stdout.write(`${String(live).padStart(8)}  ${name.padEnd(6)}${figures}\n`);
  }
}

async function measure(live: number, build: string): Promise<Outcome> {
  const server = await startRedis();
  const children: ChildProcess[] = [];
  try {
    await seed(server, live);
    for (let at = 0; at < PROCESSES; at++) children.push(startProcess(server.url, build));
    await Promise.all(children.map((child) => once(child, 'message')));
    const flushedAt = performance.timeOrigin + performance.now();
    await server.ask('FLUSHALL');
    await until(async () => (await server.ask('ZCARD', RECORDS)) === live + 1);
    const restoredMs = performance.timeOrigin + performance.now() - flushedAt;
    await until(async () => (await Promise.all(children.map(ask))).every(({ isCurrent }) => isCurrent));
    await sleep(WATCHED_AFTER_MS);
    const watched = await Promise.all(children.map(ask));
    if (watched.some(({ missed }) => missed > 0)) throw new Error('a revoked token would have passed');
    if (!watched.every(({ isCurrent }) => isCurrent)) throw new Error('a process does not answer again');
    return {
      refusedMs: Math.max(...watched.map(({ refusedMs }) => refusedMs)),
      currentMs: Math.max(...watched.map(({ currentAt }) => currentAt)) - flushedAt,
      restoredMs,
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.close();
  }
}

function startProcess(url: string, build: string): ChildProcess {
  return fork(fileURLToPath(new URL('write-back-process.ts', import.meta.url)), [url, build], { execArgv: ['--no-warnings'] });
}

async function ask(child: ChildProcess): Promise<Watched> {
  const answer = once(child, 'message');
  child.send('tell');
  return ((await answer) as [Watched])[0];
}

async function seed(server: RedisServer, live: number): Promise<void> {
  await seedEpoch(server);
  const now = Math.floor(Date.now() / 1000);
  const ends = String(now + 86_400);
  for (let at = 0; at < live; at += 5000) {
    const texts = Array.from({ length: Math.min(5000, live - at) }, (_value, index) =>
      JSON.stringify([
        'session',
        'https://login.example.com',
        `0b0c94a1-7d0f-4e6b-9d6c-${String(at + index).padStart(12, '0')}`,
        now,
        now + 86_400,
        0,
        'logout',
      ]),
    );
    await server.ask('ZADD', RECORDS, ...texts.flatMap((text) => [ends, text]));
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + MOST_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${MOST_MS / 1000} s`);
    await sleep(20);
  }
}
