import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, seedEpoch, startRedis, type RedisServer } from './redis-server.js';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
  await seedEpoch(server);
});
afterAll(() => server.close());

/** What the program says, if it ends by itself and in peace. */
async function live(url: string, how: string): Promise<string> {
  const program = fileURLToPath(new URL('life.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--no-warnings', program, url, how], { timeout: 10_000 });
  expect(stderr).toBe('');
  return stdout;
}

test.each(['closed', 'served', 'left open'])('a process waits for warm() and add(), and then comes to its end: %s', async (how) => {
  expect(await live(server.url, how)).toBe('done');
});

test.each(['closed', 'left open'])('so does one that reaches no server: %s', async (how) => {
  expect(await live(`redis://127.0.0.1:${await freePort()}`, how)).toBe('RevocationStoreError');
});
