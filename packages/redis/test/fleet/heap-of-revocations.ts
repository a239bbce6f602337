// A program of its own, for `node --expose-gc`: prints what live revocations take in the heap of a process that mirrors them, as one line of JSON.
//
//   node --expose-gc heap-of-revocations.ts <url>
import { redisRevocations } from '@tokenward/redis';

export interface HeapFigures {
  readonly entries: number;
  readonly heapBytes: number;
  readonly msToWarm: number;
}

const before = heapBytes();
const began = performance.now();
const store = redisRevocations({ url: process.argv[2], timeoutSeconds: 10 });
await store.warm();
const msToWarm = performance.now() - began;
const figures: HeapFigures = { entries: store.health().entries, heapBytes: heapBytes() - before, msToWarm };
await store.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);

function heapBytes(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
