import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from './run-command.js';

const cwd = fileURLToPath(new URL('apps/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tokenward-routes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('lists the routes of an app in TypeScript, and what each needs', async () => {
  const { code, stdout, stderr } = await runCommand(['routes', 'express.ts'], { cwd });
  expect(stdout.split('\n')).toEqual([
    'GET   /health  no tokenward guard',
    'GET   /news    optional',
    'POST  /orders  token               the scope orders:write',
    '',
    '3 routes: 1 need a token, 1 optional, 1 without a tokenward guard, 0 unknown',
    '',
  ]);
  expect([code, stderr]).toEqual([0, '']);
});

test('--fail-on-open ends with 1 for a route without a guard that is not excepted, and --json says which', async () => {
  const { code, stdout } = await runCommand(['routes', 'express.ts', '--fail-on-open', '--json'], { cwd });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    routes: [
      { method: 'GET', path: '/health', protection: 'no-tokenward-guard', policies: [] },
      { method: 'GET', path: '/news', protection: 'optional', policies: [] },
      { method: 'POST', path: '/orders', protection: 'required', policies: [{ words: 'the scope `orders:write`', scopes: ['orders:write'] }] },
    ],
    failing: ['GET /health'],
  });
  const excepted = await runCommand(['routes', 'express.ts', '--fail-on-open', '--except', 'GET /health'], { cwd });
  expect([excepted.code, excepted.stdout.split('\n')[0]]).toEqual([0, 'GET   /health  no tokenward guard (excepted)']);
});

test('--export names a function that creates the app', async () => {
  const { code, stdout } = await runCommand(['routes', 'express.ts', '--export', 'createClosedApp', '--fail-on-open'], { cwd });
  expect([code, stdout]).toEqual([0, 'GET  /me  token\n\n1 route: 1 need a token, 0 optional, 0 without a tokenward guard, 0 unknown\n']);
});

test('rule 279: an app in CommonJS that listens, prints, sends messages and keeps running is listed, and is gone afterwards', async () => {
  const { code, stdout, stderr } = await runCommand(['routes', 'listening.cjs', '--fail-on-open'], { cwd });
  expect([code, stdout.split('\n')[0]]).toEqual([0, 'GET  /files/:name  token']);
  expect(stderr).toMatch(/^the app prints\n/);
  const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(stderr) ?? [];
  if (address !== undefined) await expect(fetch(address)).rejects.toThrow();
});

test.each([
  ['replaces the functions that print', 'process.stdout.write = process.stderr.write = () => true;'],
  ['ends its output', "process.stdout.end('goodbye');"],
  ['disconnects its process', 'process.disconnect(); await new Promise((resolve) => setTimeout(resolve, 50));'],
])(
  'an app that %s is listed',
  async (_how, code) => {
    writeFileSync(join(folder, 'silent.mjs'), `export { app } from ${JSON.stringify(pathToFileURL(join(cwd, 'express.ts')))};\n${code}\n`);
    const ended = await runCommand(['routes', 'silent.mjs'], { cwd: folder });
    expect([ended.code, ended.stdout.split('\n')[0]]).toEqual([0, 'GET   /health  no tokenward guard']);
  },
  10_000,
);

test.runIf(process.platform !== 'win32')('names the signal that ended the process of an app', async () => {
  writeFileSync(join(folder, 'killed.mjs'), "process.kill(process.pid, 'SIGABRT');\nexport const app = {};\n");
  const { code, stderr } = await runCommand(['routes', 'killed.mjs'], { cwd: folder });
  expect([code, stderr]).toEqual([3, expect.stringContaining('error: the process that loads the app was ended by SIGABRT')]);
});

test.each([
  ['no file', ['missing.ts'], 2, /<app> names no file/],
  ['a folder', ['.'], 2, /<app> names no file/],
  ['an unknown export', ['express.ts', '--export', 'ap'], 2, /express\.ts has no export of the name in --export: did you mean app\? It exports .*app/],
  ['an export that is not an app', ['express.ts', '--export', 'nothing'], 2, /express\.ts exports nothing, which is neither an app/],
  [
    'an exception that names no route',
    ['express.ts', '--except', 'GET /helth'],
    2,
    /except: has "GET \/helth", which names no route .*did you mean GET \/health\?/,
  ],
  ['an app that fails', ['broken.mjs'], 3, /the database is away.*broken\.mjs could not be loaded: the app throws the error above/s],
  ['an app that ends its process', ['ending.mjs'], 3, /the app ended its process .*\(exit code 4\)/],
])('says what to do: %s', async (_name, args, code, message) => {
  const ended = await runCommand(['routes', ...args], { cwd });
  expect([ended.code, ended.stdout]).toEqual([code, '']);
  expect(ended.stderr).toMatch(message);
});

const MODULE = 'const Module = (options: object) => (target: unknown) => {};\n@Module({})\nexport class AppModule {}\n';
const needsBuild = (file: string, built: string): RegExp =>
  new RegExp(
    `error: Node cannot run ${file}, or a file that it imports: the error is above.*build the app, and pass the built file, such as dist/${built}\\.js`,
  );

test.each([
  ['decorators', 'app.module.ts', MODULE, 3, needsBuild('app.module.ts', 'app.module')],
  ['decorators in an imported file', 'main.mts', "export { AppModule as app } from './app.module.ts';", 3, needsBuild('main.mts', 'main')],
  ['an enum', 'enum.ts', 'enum Kind { app }\nexport const app = Kind.app;', 3, needsBuild('enum.ts', 'enum')],
  ['JSX', 'page.tsx', 'export const app = <p />;', 3, needsBuild('page.tsx', 'page')],
  ['a typing error', 'typo.cjs', 'module.exports = { app: };', 3, needsBuild('typo.cjs', 'typo')],
  [
    'an import of a file that is not built',
    'unbuilt.mts',
    "export { app } from './app.js';",
    3,
    /imports a file that does not exist.* such as dist\/unbuilt\.js/,
  ],
  ['a required file that is missing', 'unbuilt.cjs', "exports.app = require('./app');", 3, /imports a file that does not exist/],
  ['a package that is missing', 'package.mjs', "export { app } from 'no-such-package';", 3, /needs a package that is not installed.* Install the dependencies/],
  ['a required package that is missing', 'package.cjs', "exports.app = require('no-such-package');", 3, /needs a package that is not installed/],
  ['JSON that the app parses', 'parsing.mjs', "export const app = JSON.parse('{');", 3, /parsing\.mjs could not be loaded: the app throws the error above/],
  ['a function that fails', 'failing.mjs', "export function app() { throw new Error('away'); }", 3, /failing\.mjs could not be loaded: the app throws/],
  [
    'a function that never settles',
    'waiting.mjs',
    'export const app = () => new Promise(() => {});',
    3,
    /waiting\.mjs never finishes loading\. If it connects to something/,
  ],
  [
    'an export that only seems to be the app',
    'server.cjs',
    "exports.app = require('node:http').createServer();",
    2,
    /server\.cjs exports app, which is neither an app/,
  ],
  ['no app in CommonJS', 'other.cjs', 'exports.first = 1;', 2, /other\.cjs exports no app .* Name the app with --export/],
  [
    'more output than anybody reads',
    'louder.mjs',
    "for (let at = 0; at < 3000; at++) console.log('x'.repeat(100));",
    2,
    /^[x\n]{100000}\n\.\.\. the app prints more, which is not shown\nerror: louder\.mjs exports no app/,
  ],
  ['no app', 'other.mjs', 'export const first = 1, second = 2;', 2, /other\.mjs exports no app .* It exports first, second\. Name the app with --export/],
  [
    'a module of NestJS',
    'built.cjs',
    'exports.AppModule = class AppModule {};',
    2,
    /built\.cjs exports no app .*createApp = \(\) => NestFactory\.create\(AppModule\)/,
  ],
] as const)('says what to do with a file that has %s', async (_name, file, source, code, message) => {
  writeFileSync(join(folder, file), source);
  writeFileSync(join(folder, 'app.module.ts'), MODULE);
  const ended = await runCommand(['routes', file], { cwd: folder });
  expect([ended.code, ended.stdout]).toEqual([code, '']);
  expect(ended.stderr).toMatch(message);
});

test('shows all that an app prints before it fails', async () => {
  writeFileSync(join(folder, 'loud.mjs'), "for (let at = 0; at < 800; at++) console.log('x'.repeat(100)); throw new Error('away');");
  const { code, stderr } = await runCommand(['routes', 'loud.mjs'], { cwd: folder });
  expect(code).toBe(3);
  expect(stderr).toContain('Error: away');
  // two streams, in any order
  expect(stderr.replaceAll(/[^x]/g, '').length).toBeGreaterThanOrEqual(80_000);
  expect(stderr).toMatch(/\nerror: loud\.mjs could not be loaded: [^\n]+\n$/);
});

test('rule 296: what an app prints is only text for the terminal', async () => {
  writeFileSync(
    join(folder, 'painting.cjs'),
    "process.stdout.write('\\u001B[2J\\u001B[32mevery route needs a token\\n');\nexports.app = { routes: [], fetch() {}, router: { match() {} } };\n",
  );
  const { stderr } = await runCommand(['routes', 'painting.cjs'], { cwd: folder, isTTY: true });
  expect(stderr).toContain('\\u001b[2J\\u001b[32mevery route needs a token\n');
});

test('ends with 3 if the process that loads the app cannot start', async () => {
  const { code, stdout, stderr } = await runCommand(['routes', join(cwd, 'express.ts')], { cwd: join(folder, 'removed') });
  expect([code, stdout, stderr]).toEqual([3, '', 'error: the process that loads the app could not start\n']);
});
