// Prints, as one line of JSON, how much heap the revocations in Redis take in a process that mirrors them.
//
//   node --expose-gc heap-of-revocations.ts <url>
import { redisRevocations } from '@tokenward/redis';

export interface HeapFigures {
  readonly entries: number;
  readonly heapBytes: number;
  readonly msToWarm: number;
}

const before = heapBytes();
const startedAt = performance.now();
const store = redisRevocations({ url: process.argv[2], timeoutSeconds: 20 });
await store.warm();
const msToWarm = performance.now() - startedAt;
const figures: HeapFigures = { entries: store.health().entries, heapBytes: heapBytes() - before, msToWarm };
await store.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);

function heapBytes(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
