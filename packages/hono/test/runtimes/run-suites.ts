// Runs in Bun and Deno, as a bundle: their own test runners cannot report to vitest. Prints one line of JSON for each test: its name, and its error if
// it failed.
import { setTimeout as wait } from 'node:timers/promises';
import { collectSuites } from './suites.js';

const TIMEOUT_MS = 15_000;
const { tests, before, after } = collectSuites();
for (const run of before) await run();
for (const [name, run] of tests) {
  const waiting = new AbortController();
  const timeout = wait(TIMEOUT_MS, undefined, { signal: waiting.signal }).then(() => {
    throw new Error(`took longer than ${TIMEOUT_MS} ms`);
  });
  try {
    await Promise.race([run(), timeout]);
    report({ name });
  } catch (error) {
    report({ name, error: error instanceof Error ? `${error.message}\n${error.cause instanceof Error ? error.cause.message : ''}` : String(error) });
  } finally {
    timeout.catch(() => undefined);
    waiting.abort();
  }
}
for (const run of after) await run();
process.exit(0);

function report(result: { readonly name: string; readonly error?: string }): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
