import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { scenarios } from './scenarios.mjs';

const TIMEOUT_MS = 60_000;

describe('a process that loads both copies of a package', () => {
  let results;

  beforeAll(async () => {
    const child = fork(fileURLToPath(new URL('program.mjs', import.meta.url)), { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    const ended = once(child, 'exit');
    [results] = await Promise.race([
      once(child, 'message'),
      ended.then(([code, signal]) => Promise.reject(new Error(`the program ended with ${code ?? signal}`))),
    ]);
    await ended;
    results = new Map(results);
  }, TIMEOUT_MS);

  test.each([...scenarios.keys()])('%s', (name) => expect(results.get(name)).toBe('passed'));
});
