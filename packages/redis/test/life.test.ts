import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../testing/test/free-port.js';
import { seedEpoch, startRedis, type RedisServer } from './redis-server.js';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
  await seedEpoch(server);
});
afterAll(() => server.close());

/** Returns what the program prints. It must end by itself and without a warning. */
async function live(url: string, timeoutSeconds: number, how: string): Promise<string> {
  const program = fileURLToPath(new URL('life.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--no-warnings', program, url, String(timeoutSeconds), how], { timeout: 50_000 });
  expect(stderr).toBe('');
  return stdout;
}

test.each(['closed', 'served', 'left open'])('a process waits for warm() and add(), and then ends: %s', { timeout: 60_000 }, async (how) => {
  expect(await live(server.url, 20, how)).toBe('done');
});

test.each(['closed', 'left open'])('a process that reaches no server ends too: %s', { timeout: 60_000 }, async (how) => {
  expect(await live(`redis://127.0.0.1:${await freePort()}`, 0.4, how)).toBe('RevocationStoreError');
});
