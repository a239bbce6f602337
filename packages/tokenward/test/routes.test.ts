import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand } from './run-command.js';

const cwd = fileURLToPath(new URL('apps/', import.meta.url));

test('lists the routes of an app in TypeScript, and what each needs', async () => {
  const { code, stdout, stderr } = await runCommand(['routes', 'express.ts'], { cwd });
  expect(stdout.split('\n')).toEqual([
    'GET   /health  open',
    'GET   /news    optional',
    'POST  /orders  token     the scope orders:write',
    '',
    '3 routes: 1 need a token, 1 optional, 1 open, 0 unknown',
    '',
  ]);
  expect([code, stderr]).toEqual([0, '']);
});

test('--fail-on-open ends with 1 for an open route that is not excepted, and --json says which', async () => {
  const { code, stdout } = await runCommand(['routes', 'express.ts', '--fail-on-open', '--json'], { cwd });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    routes: [
      { method: 'GET', path: '/health', protection: 'open', policies: [] },
      { method: 'GET', path: '/news', protection: 'optional', policies: [] },
      { method: 'POST', path: '/orders', protection: 'required', policies: [{ words: 'the scope `orders:write`', scopes: ['orders:write'] }] },
    ],
    failing: ['GET /health'],
  });
  const excepted = await runCommand(['routes', 'express.ts', '--fail-on-open', '--except', 'GET /health'], { cwd });
  expect([excepted.code, excepted.stdout.split('\n')[0]]).toEqual([0, 'GET   /health  open (excepted)']);
});

test('--export names a function that creates the app', async () => {
  const { code, stdout } = await runCommand(['routes', 'express.ts', '--export', 'createClosedApp', '--fail-on-open'], { cwd });
  expect([code, stdout]).toEqual([0, 'GET  /me  token\n\n1 route: 1 need a token, 0 optional, 0 open, 0 unknown\n']);
});

test('rule 279: an app in CommonJS that listens, prints, sends messages and keeps running is listed, and is gone afterwards', async () => {
  const { code, stdout, stderr } = await runCommand(['routes', 'listening.cjs', '--fail-on-open'], { cwd });
  expect([code, stdout.split('\n')[0]]).toEqual([0, 'GET  /files/:name  token']);
  expect(stderr).toMatch(/^the app prints\n/);
  const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(stderr) ?? [];
  if (address !== undefined) await expect(fetch(address)).rejects.toThrow();
});

test.each([
  ['no file', ['missing.ts'], 2, /there is no file .*missing\.ts/],
  ['a folder', ['.'], 2, /there is no file/],
  ['an unknown export', ['express.ts', '--export', 'ap'], 2, /--export: the module does not export "ap"\. It exports .*app/],
  ['an export that is no app', ['express.ts', '--export', 'nothing'], 2, /--export: nothing is no app/],
  [
    'an exception that names no route',
    ['express.ts', '--except', 'GET /helth'],
    2,
    /except: has "GET \/helth", which names no route .*did you mean GET \/health\?/,
  ],
  ['an app that fails', ['broken.mjs'], 3, /the database is away.*the app could not be loaded\. Its error is above/s],
  ['an app that ends its process', ['ending.mjs'], 3, /the app ended its process .*\(exit code 4\)/],
])('says what to do: %s', async (_name, args, code, message) => {
  const ended = await runCommand(['routes', ...args], { cwd });
  expect([ended.code, ended.stdout]).toEqual([code, '']);
  expect(ended.stderr).toMatch(message);
});

test('--help describes the command', async () => {
  const { code, stdout } = await runCommand(['routes', '--help']);
  expect(code).toBe(0);
  for (const word of ['--export NAME', '--fail-on-open', '--except ROUTE', '--json', 'assertProtected']) expect(stdout).toContain(word);
});
