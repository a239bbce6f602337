import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { HeapFigures } from './heap-of-tokens.js';

const RUNS = Number(process.env['TOKENWARD_RUNS'] ?? 2000);
const ENTRIES = 10_000;
const BYTES = 33_554_432;

/** Measures the heap that cached tokens take in a separate process. */
async function heapOf(...args: readonly (number | string)[]): Promise<HeapFigures> {
  const program = fileURLToPath(new URL('heap-of-tokens.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--no-warnings', program, ...args.map(String)], { timeout: 300_000 });
  return JSON.parse(stdout) as HeapFigures;
}

test('rule 70: keeps the cache within its limits during a flood of distinct tokens, and the heap within the estimate', { timeout: 300_000 }, async () => {
  const figures = await heapOf(RUNS * 10, 500, 'roles');
  expect(figures.tokens).toBe(RUNS * 10);
  expect(figures.mostEntries).toBeGreaterThan(ENTRIES / 4);
  expect(figures.mostEntries).toBeLessThanOrEqual(ENTRIES);
  expect(figures.mostEstimatedBytes).toBeLessThanOrEqual(BYTES);
  expect(figures.mostHeapBytes).toBeGreaterThan(0);
  expect(figures.mostHeapBytes).toBeLessThanOrEqual(figures.mostEstimatedBytes);
});

test.each([
  [500, 'roles'],
  [1000, 'roles'],
  [2000, 'roles'],
  [1000, 'short'],
  [1000, 'wide'],
  [1000, 'nested'],
  [1000, 'members'],
  [2000, 'members'],
  [2000, 'empty'],
])('rule 70: the estimate covers the heap that tokens take (%i characters, %s)', { timeout: 60_000 }, async (characters, shape) => {
  const figures = await heapOf(2000, characters, shape, 100_000, 1e10, 1);
  expect(figures.entries).toBe(2000);
  expect(figures.heapBytes).toBeLessThanOrEqual(figures.estimatedBytes);
  expect(figures.heapBytes).toBeGreaterThan(figures.estimatedBytes / 5);
});
