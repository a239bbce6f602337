import { fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from 'tokenward';
import { runCommand, type Ended } from './run-command.js';

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'tokenward-init-'));
let issuer: TestIssuer;
let count = 0;

beforeAll(async () => {
  issuer = await createTestIssuer();
});
afterAll(async () => {
  await issuer.close();
  rmSync(root, { recursive: true, force: true });
});

test('rule 267: a file that is not UTF-8 is left as it is: its other bytes would be lost', async () => {
  const folder = project({ express: '5.0.0' }, { 'server.js': '' });
  const latin1 = Buffer.from("const express = require('express'); // caf\u00e9\nconst app = express();\n", 'latin1');
  writeFileSync(join(folder, 'server.js'), latin1);
  const { code, stderr } = await init(folder, '--yes');
  expect([code, stderr]).toEqual([2, expect.stringContaining('server.js is not UTF-8')]);
  expect(readFileSync(join(folder, 'server.js')).equals(latin1)).toBe(true);
});

type Files = Readonly<Record<string, string>>;

/** Creates a project with these files. */
function project(dependencies: Readonly<Record<string, string>>, files: Files, more: object = {}): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', dependencies, ...more }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');
const init = (folder: string, ...args: readonly string[]): Promise<Ended> => runCommand(['init', ...args], { cwd: folder });

/** Installs a framework and its guard, as npm would. */
function install(folder: string, framework: string, dependencies: readonly string[]): void {
  for (const name of dependencies) link(join(PACKAGES, framework, 'node_modules', name), join(folder, 'node_modules', name));
  link(join(PACKAGES, framework), join(folder, 'node_modules', '@tokenward', framework));
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** Starts the app, and returns the statuses of a request without a token and with one. */
async function statuses(folder: string, file: string): Promise<readonly number[]> {
  const child = fork(join(folder, file), {
    env: { ISSUER_BASE_URL: issuer.issuer, AUDIENCE: issuer.audience },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(message as number));
      child.once('close', () => reject(new Error(`the app ended: ${stderr}`)));
    });
    const token = await issuer.issueToken();
    const url = `http://127.0.0.1:${port}/orders`;
    return [(await fetch(url)).status, (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status];
  } finally {
    child.kill();
  }
}

const EXPRESS_BODY = `app.get('/orders', (request, response) => {
  response.json([]);
});
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
`;
const FASTIFY_BODY = `app.get('/orders', async () => []);
app.listen({ port: 0, host: '127.0.0.1' }).then(() => process.send(app.server.address().port));
`;
const KOA_BODY = `app.use((ctx) => {
  ctx.body = [];
});
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
`;
const HONO_BODY = `app.get('/orders', (c) => c.json([]));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => process.send(port));
`;

test.each([
  ['Express, ES modules', 'express', 'server.js', { type: 'module' }, `import express from 'express';\n\nconst app = express();\n\n${EXPRESS_BODY}`],
  ['Express, CommonJS', 'express', 'app.js', {}, `const express = require("express")\nconst app = express()\n${EXPRESS_BODY}`],
  [
    'Express, TypeScript',
    'express',
    'src/server.ts',
    { type: 'module' },
    `import express, { type Express } from 'express';\nconst app: Express = express();\n${EXPRESS_BODY.replaceAll('process.send(', 'process.send!(').replace('server.address().port', '(server.address() as { port: number }).port')}`,
  ],
  ['Fastify, ES modules', 'fastify', 'server.mjs', {}, `import Fastify from 'fastify';\n\nconst app = Fastify({\n  logger: false,\n});\n${FASTIFY_BODY}`],
  ['Fastify, CommonJS', 'fastify', 'server.js', {}, `const fastify = require('fastify');\nconst app = fastify({ logger: false });\n${FASTIFY_BODY}`],
  ['Koa, ES modules', 'koa', 'index.js', { type: 'module' }, `import Koa from 'koa';\n\nconst app = new Koa();\n${KOA_BODY}`],
  ['Koa, CommonJS', 'koa', 'index.cjs', {}, `const Koa = require('koa');\r\nconst app = new Koa();\r\n${KOA_BODY}`],
  [
    'Hono, ES modules',
    'hono',
    'index.mjs',
    {},
    `import { serve } from '@hono/node-server';\nimport { Hono } from 'hono';\n\nconst app = new Hono();\n${HONO_BODY}`,
  ],
  [
    'Hono, CommonJS',
    'hono',
    'server.cjs',
    {},
    `const { serve } = require('@hono/node-server');\nconst { Hono } = require('hono');\nconst app = new Hono();\n${HONO_BODY}`,
  ],
  [
    'Hono, TypeScript',
    'hono',
    'src/index.ts',
    { type: 'module' },
    `import { serve } from '@hono/node-server';\nimport { type Context, Hono } from 'hono';\nconst app = new Hono<{ Variables: { day: string } }>();\napp.use((c: Context, next) => next());\n${HONO_BODY}`,
  ],
])('%s: writes the guard, and the app then starts and answers 401', async (_name, framework, file, more, text) => {
  const folder = project({ [framework]: '*' }, { [file]: text }, more);
  const { code, stdout, stderr } = await init(folder, '--yes');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`+++ ${file}`);
  expect(stdout).toContain(`npm install @tokenward/${framework}`);
  install(folder, framework, framework === 'hono' ? ['hono', '@hono'] : [framework]);
  expect(await statuses(folder, file)).toEqual([401, 200]);

  const written = read(folder, file);
  // nothing else has changed, not even line ends
  const lines = written.split('\n');
  expect(lines.filter((line) => !/tokenward|createGuard|guard\(\)/.test(line))).toEqual(text.split('\n'));
  expect(lines.filter((line) => /tokenward|guard/.test(line)).every((line) => line.endsWith('\r') === text.includes('\r'))).toBe(true);
  const again = await init(folder, '--yes');
  expect([again.code, again.stdout]).toEqual([0, `${file} uses @tokenward/${framework} already. Nothing to do.\n`]);
  expect(read(folder, file)).toBe(written);
});

const NEST_MAIN = `import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
process.send!(Number(new URL(await app.getUrl()).port));
`;
const nestModule = (metadata: string): string => `import { Controller, Get, Module } from '@nestjs/common';

@Controller('orders')
class OrdersController {
  @Get() list() {
    return [];
  }
}

@Module({
  ${metadata}
})
export class AppModule {}
`;

test('NestJS: imports the module, and the app then starts and answers 401', async () => {
  const folder = project(
    { '@nestjs/core': '*', express: '*' },
    { 'src/app.module.ts': nestModule('controllers: [OrdersController],'), 'src/main.ts': NEST_MAIN },
    { type: 'module' },
  );
  const { code, stdout } = await init(folder, '-y');
  expect(code).toBe(0);
  expect(stdout).toContain('+  imports: [TokenwardModule.forRoot()],');
  for (const name of ['main', 'app.module']) {
    const { code: compiled } = transformSync(read(folder, `src/${name}.ts`), {
      loader: 'ts',
      format: 'esm',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    });
    writeFileSync(join(folder, 'src', `${name}.js`), compiled);
  }
  install(folder, 'nestjs', ['@nestjs', 'reflect-metadata', 'rxjs']);
  expect(await statuses(folder, 'src/main.js')).toEqual([401, 200]);
});

test.each([
  ['imports: [],', 'imports: [TokenwardModule.forRoot()],'],
  ['imports: [ConfigModule, OrdersModule],', 'imports: [TokenwardModule.forRoot(), ConfigModule, OrdersModule],'],
  ['imports: [\n    ConfigModule,\n  ],', 'imports: [\n    TokenwardModule.forRoot(),\n    ConfigModule,\n  ],'],
  ["// imports: [nothing]\n  providers: ['imports: []'],", "imports: [TokenwardModule.forRoot()],\n  // imports: [nothing]\n  providers: ['imports: []'],"],
])('NestJS: adds the module to %j', async (before, after) => {
  const folder = project({ '@nestjs/core': '*' }, { 'src/app.module.ts': nestModule(before) });
  expect((await init(folder, '--yes')).code).toBe(0);
  expect(read(folder, 'src/app.module.ts')).toContain(`@Module({\n  ${after}\n})`);
});

test('writes issuer and audience into the options if they are given', async () => {
  const folder = project({ fastify: '*' }, { 'server.mjs': "import Fastify from 'fastify';\nconst app = Fastify();\n" });
  const { code, stdout } = await init(folder, '--yes', '--issuer', 'https://login.example.com', '--audience', 'https://api.example.com');
  expect(code).toBe(0);
  expect(read(folder, 'server.mjs')).toContain(
    "await app.register(tokenward, { issuer: 'https://login.example.com', audience: 'https://api.example.com', protect: 'all' });",
  );
  expect(stdout).not.toContain('Set ISSUER_BASE_URL');
  const hostile = await init(project({ express: '*' }, {}), '--yes', '--issuer', "https://a' + process.exit() + '");
  expect([hostile.code, hostile.stderr]).toEqual([2, 'error: --issuer has characters that no issuer or audience should have\n']);
});

test('finds the file that a script starts, and keeps its mode', async () => {
  const app = "import express from 'express';\nconst api = express();\n";
  const folder = project({ express: '*' }, { 'lib/start.mjs': app, 'dist/server.js': app }, { scripts: { start: 'NODE_ENV=production node ./lib/start.mjs' } });
  expect((await init(folder, '--yes')).code).toBe(0);
  expect(read(folder, 'lib/start.mjs')).toContain('api.use(guard());');
  expect(read(folder, 'dist/server.js')).toBe(app);
});

test.each([
  ['creates two apps', "import express from 'express';\nconst a = express();\nconst b = express();\n", 'it creates several apps'],
  ['chains the call', "import Fastify from 'fastify';\nconst app = Fastify().withTypeProvider();\n", 'an expression that continues'],
  ['uses the name guard', "import express from 'express';\nconst app = express();\nconst guard = 1;\n", 'it uses the name guard already'],
  ['creates the app in a comment', "import express from 'express';\n/*\nconst app = express();\n*/\n", 'does not create the app in a way that is known here'],
  [
    'creates the app in a template',
    "import express from 'express';\nconst text = `\nconst app = express();\n`;\n",
    'does not create the app in a way that is known here',
  ],
  ['exports a factory', "import express from 'express';\nexport default () => express();\n", 'does not create the app in a way that is known here'],
  ['imports it dynamically', "const { default: express } = await import('express');\nconst app = express();\n", 'does not import express in a way'],
])('changes nothing and prints the lines if the app %s', async (_name, text, why) => {
  const dependency = text.includes('fastify') ? 'fastify' : 'express';
  const folder = project({ [dependency]: '*' }, { 'server.mjs': text });
  const { code, stdout } = await init(folder, '--yes');
  expect(code).toBe(1);
  expect(stdout).toContain(why);
  expect(stdout).toContain(dependency === 'express' ? '  app.use(guard());' : "app.register(tokenward, { protect: 'all' });");
  expect(read(folder, 'server.mjs')).toBe(text);
});

test('changes nothing if two files create an app, until --file names one', async () => {
  const app = "const express = require('express');\nconst app = express();\n";
  const folder = project({ express: '*' }, { 'server.js': app, 'app.js': app });
  const { code, stdout } = await init(folder, '--yes');
  expect([code, stdout.includes('Name the one to guard with --file')]).toEqual([1, true]);
  expect((await init(folder, '--yes', '--file', 'app.js')).code).toBe(0);
  expect([read(folder, 'server.js') === app, read(folder, 'app.js') === app]).toEqual([true, false]);
});

test('shows the change and writes nothing without --yes, and asks on a terminal', async () => {
  const app = "import express from 'express';\nconst app = express();\n";
  const folder = project({ express: '*' }, { 'server.mjs': app });
  const { code, stdout, stderr } = await init(folder);
  expect([code, read(folder, 'server.mjs')]).toEqual([1, app]);
  expect(stdout).toBe(
    [
      '--- server.mjs',
      '+++ server.mjs',
      '@@ line 1 @@',
      " import express from 'express';",
      "+import { createGuard } from '@tokenward/express';",
      ' const app = express();',
      '+const guard = createGuard();',
      '+app.use(guard());',
      ' ',
      '',
    ].join('\n'),
  );
  expect(stderr).toContain('--yes');
  expect([await answered(folder, Readable.from(['n\n'])), read(folder, 'server.mjs')]).toEqual([1, app]);
  const closed = new Readable({ read: () => void closed.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' })) });
  expect([await answered(folder, closed), read(folder, 'server.mjs')]).toEqual([1, app]);
  expect([await answered(folder, Readable.from(['y\n'])), read(folder, 'server.mjs').includes('createGuard')]).toEqual([0, true]);
});

async function answered(folder: string, terminal: Readable): Promise<number> {
  const stdin = Object.assign(terminal, { isTTY: true });
  const stream = { write: () => {} };
  return run(['init'], { stdin, stdout: stream, stderr: stream, env: {}, cwd: folder, fetch, now: Date.now, signal: new AbortController().signal });
}

test('rule 267: follows no symbolic link, and writes nothing outside of the project', async () => {
  const app = "import express from 'express';\nconst app = express();\n";
  const outside = project({}, { 'server.mjs': app });
  const linked = project({ express: '*' }, {});
  symlinkSync(join(outside, 'server.mjs'), join(linked, 'server.mjs'));
  const folders = project({ express: '*' }, {});
  symlinkSync(outside, join(folders, 'src'));
  const modules = project({ express: '*' }, { 'node_modules/x/server.mjs': app });
  for (const [folder, ...args] of [
    [linked],
    [linked, '--file', 'server.mjs'],
    [folders, '--file', 'src/server.mjs'],
    [linked, '--file', '../0/server.mjs'],
    [linked, '--file', join(outside, 'server.mjs')],
    [modules, '--file', 'node_modules/x/server.mjs'],
  ] as const) {
    const { code } = await init(folder, '--yes', ...args);
    expect(code).toBe(2);
  }
  expect(read(outside, 'server.mjs')).toBe(app);
  expect(existsSync(join(outside, 'package.json'))).toBe(true);
  expect(statSync(join(linked, 'server.mjs')).isFile()).toBe(true);
});

test.each([
  ['there is no package.json', undefined, [], 'there is no package.json here'],
  ['package.json is broken', '{', [], 'package.json is not a JSON object'],
  ['no framework is known', '{"dependencies":{"hapi":"1"}}', [], 'package.json has none of express, fastify, koa, hono and @nestjs/core'],
  ['there are several', '{"dependencies":{"express":"5","koa":"3"}}', [], 'Say which one to guard: --framework'],
  ['the framework is mistyped', '{"dependencies":{"express":"5"}}', ['--framework', 'expres'], 'did you mean express?'],
  ['the file is missing', '{"dependencies":{"express":"5"}}', ['--file', 'none.js'], '--file names no file of this project'],
])('ends with 2 if %s', async (_name, manifest, args, message) => {
  const folder = project({}, {});
  if (manifest === undefined) rmSync(join(folder, 'package.json'));
  else writeFileSync(join(folder, 'package.json'), manifest);
  const { code, stderr } = await init(folder, ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('names the command of the package manager in use', async () => {
  const folder = project(
    { koa: '*' },
    { 'app.mjs': "import Koa from 'koa';\nimport cors from '@koa/cors';\nconst app = new Koa();\napp.use(cors());\n", 'pnpm-lock.yaml': '' },
  );
  const { stdout } = await init(folder, '--yes');
  expect(stdout).toContain('pnpm add @tokenward/koa');
  expect(stdout).toContain('This app uses CORS: put it above the guard');
});

test.each([
  ['a comment', '// TODO: @tokenward/express\n'],
  ['a comment with an import', "/*\nimport { createGuard } from '@tokenward/express';\n*/\n"],
  ['a text', `const note = "import { createGuard } from '@tokenward/express'";\n`],
  ['a text that is a call', `const note = "require('@tokenward/express')";\n`],
  ['an import of types', "import type { Auth } from '@tokenward/express';\n"],
  ['an export of types', "export type { Auth } from '@tokenward/express';\n"],
  ['an import of single types', "import { type Auth, type Deny as Refusal } from '@tokenward/express';\n"],
  ['the type of an import', "type Guards = typeof import('@tokenward/express');\n"],
  ['a package with a longer name', "import '@tokenward/express-mocks';\n"],
])('rule 267: %s that names the guard guards nothing', async (_name, mention) => {
  const folder = project({ express: '*' }, { 'server.mjs': `import express from 'express';\n${mention}const app = express();\n` });
  const { code, stdout } = await init(folder, '--yes');
  expect([code, stdout]).toEqual([0, expect.stringContaining('server.mjs is changed.')]);
  expect(read(folder, 'server.mjs')).toBe(
    `import express from 'express';\nimport { createGuard } from '@tokenward/express';\n${mention}const app = express();\nconst guard = createGuard();\napp.use(guard());\n`,
  );
});

test.each([
  "import { createGuard } from '@tokenward/express';",
  'import {\n  createGuard as protect,\n  type Auth,\n} from "@tokenward/express"',
  "const { createGuard } = require('@tokenward/express');",
  "const { createGuard } = await import('@tokenward/express');",
  "import * as tokenward from '@tokenward/express';",
  "export { createGuard } from '@tokenward/express';",
])('leaves a file as it is that has %j', async (line) => {
  const text = `import express from 'express';\n${line}\nconst app = express();\n`;
  const folder = project({ express: '*' }, { 'server.mjs': text });
  const { code, stdout } = await init(folder, '--yes');
  expect([code, stdout, read(folder, 'server.mjs')]).toEqual([0, 'server.mjs uses @tokenward/express already. Nothing to do.\n', text]);
});

test('rule 267: writes no import into a comment or a text', async () => {
  const comment = "/*\nimport { Module } from '@nestjs/common';\n*/\n";
  const folder = project({ '@nestjs/core': '*' }, { 'src/app.module.ts': `${comment}${nestModule('controllers: [OrdersController],')}` });
  expect((await init(folder, '--yes')).code).toBe(0);
  expect(read(folder, 'src/app.module.ts').startsWith(`${comment}import { Controller, Get, Module } from '@nestjs/common';\nimport { Tokenward`)).toBe(true);

  const old = "/*\nimport express from 'express';\n*/\n";
  const app = project({ express: '*' }, { 'server.mjs': `${old}import express from 'express';\nconst app = express();\n` });
  expect((await init(app, '--yes')).code).toBe(0);
  expect(read(app, 'server.mjs').startsWith(`${old}import express from 'express';\nimport { createGuard }`)).toBe(true);
});

test('rule 296: shows the escape codes of a file, and those that are colours here too, as text', async () => {
  const text = "import express from 'express';\nconst app = express(); // \u001B[8m\u001B[31mhidden\u001B[39m\u001B[2K\n";
  const folder = project({ express: '*' }, { 'server.mjs': text.replace(' // ', '\n// ') });
  for (const isTTY of [true, false]) {
    const { stdout } = await runCommand(['init'], { cwd: folder, isTTY });
    expect(stdout).toContain('// \\u001b[8m\\u001b[31mhidden\\u001b[39m\\u001b[2K');
    expect(stdout.includes('\u001B[32m+app.use(guard());\u001B[39m')).toBe(isTTY);
  }
});

test('rule 296: a file with a line break in its name is no candidate: it could forge lines of the change', async () => {
  const name = 'a\n+app.use(guard());\n.mjs';
  const folder = project({ express: '*' }, { [name]: "import express from 'express';\nconst app = express();\n" }, { main: name });
  const { code, stdout } = await init(folder);
  expect([code, stdout]).toEqual([1, expect.stringContaining('No file was found that creates the app')]);
});
