// Runs the fleet's tests and prints what they measured: node packages/redis/test/fleet/figures.ts
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly msForBurst: number;
  readonly msToReadLive: number;
  readonly heapBytes: number;
  readonly redisBytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'tokenward-figures-'));
try {
  const file = join(folder, 'figures.json');
  const root = join(import.meta.dirname, '../../../..');
  const env = { ...process.env, TOKENWARD_REDIS_FIGURES: file };
  const { status } = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', 'packages/redis/test/fleet'], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exitCode = 1;
  else print(JSON.parse(readFileSync(file, 'utf8')) as Figures);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function print({ p50Ms, p99Ms, msForBurst, msToReadLive, heapBytes, redisBytes }: Figures): void {
  const rows = [
    ['a revocation reaches each other process, p50', `${p50Ms.toFixed(1)} ms`],
    ['p99', `${p99Ms.toFixed(1)} ms`],
    ['10,000 in a burst, until all four agree', `${msForBurst.toFixed(0)} ms`],
    ['connecting and reading 50,000, by a new process', `${msToReadLive.toFixed(0)} ms`],
    ["100,000 live ones in a process' heap", `${(heapBytes / 1e6).toFixed(1)} MB`],
    ['in Redis, without the stream', `${(redisBytes / 1e6).toFixed(1)} MB`],
  ] as const;
  process.stdout.write(`\nNode ${process.version}, ${cpus().length} cores (${cpus()[0]!.model})\n`);
  for (const [what, figure] of rows) process.stdout.write(`${what.padEnd(48)} ${figure.padStart(10)}\n`);
}
