import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TSC_TIMEOUT_MS = 120_000;
const CONTEXTS = fileURLToPath(new URL('contexts', import.meta.url));
/** The package whose exports a sample may use without an import. */
const PACKAGE_OF = {
  core: 'core',
  express: 'express',
  fastify: 'fastify',
  fetch: 'fetch',
  hono: 'hono',
  koa: 'koa',
  nestjs: 'nestjs',
  'web-app': 'express',
  mcp: 'express',
};
const AUGMENTS_US = /declare module '@tokenward\//;
/** In JavaScript, `['RS256']` need not be a list of names of algorithms. */
const ONLY_TYPESCRIPT = /: error TS(?:2322|2345|2769): [^]*Type 'string(?:\[\])?' is not assignable to type/;
const OPTIONS = {
  module: 'nodenext',
  target: 'es2024',
  lib: ['es2024'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  experimentalDecorators: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
};

/**
 * Compiles samples, each as its own module, against the built packages and the workspace's dependencies. A sample is
 * `{ file, line, code, context, inside, isBefore }`: `context` provides names (`contexts/<name>.ts` and all exports of that package), and `inside` is the
 * text before and after the code. A sample with `isBefore` shows another package: it is compiled like JavaScript, without our exports, and only with the
 * names of `contexts/before/<page>.ts`. Returns the compiler's errors, with the file and line in the documentation.
 */
export async function compile(root, samples) {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-samples-'));
  try {
    linkModules(root, join(folder, 'node_modules'));
    const programs = [...Map.groupBy(samples, programOf).values()];
    const problems = [];
    for (const [index, list] of programs.entries()) problems.push(...compileProgram(root, await writeProgram(root, join(folder, `program${index}`), list)));
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A sample that augments our packages, and a package that augments a framework, affect the whole program, so each gets its own. */
function programOf(sample) {
  if (sample.isBefore) return `before ${sample.file}`;
  return AUGMENTS_US.test(sample.code) ? sample : sample.context;
}

async function writeProgram(root, place, samples) {
  const [{ context, isBefore, file }] = samples;
  if (!Object.hasOwn(PACKAGE_OF, context))
    throw new Error(`${samples[0].file}:${samples[0].line} has the unknown context "${context}": use ${Object.keys(PACKAGE_OF).join(', ')}`);
  mkdirSync(place);
  copyFileSync(join(CONTEXTS, 'shared.ts'), join(place, 'shared.ts'));
  copyFileSync(join(CONTEXTS, isBefore ? join('before', `${basename(file, '.md')}.ts`) : `${context}.ts`), join(place, 'context.ts'));
  writeFileSync(join(place, 'exports.ts'), isBefore ? '' : await exportsOf(root, PACKAGE_OF[context]));
  const files = new Map(samples.map((sample, index) => [`sample${index}.ts`, sample]));
  for (const [name, sample] of files) writeFileSync(join(place, name), moduleOf(sample));
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(place, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { ...OPTIONS, strict: !isBefore, exactOptionalPropertyTypes: !isBefore },
      files: ['exports.ts', 'shared.ts', 'context.ts', ...files.keys()],
    }),
  );
  return { place, files, isBefore };
}

/** Returns a module that makes all exports of a package global. */
async function exportsOf(root, name) {
  const { default: _, ...exported } = await import(pathToFileURL(join(root, 'packages', name, 'dist', 'index.js')).href);
  const constants = Object.keys(exported).map((one) => `  const ${one}: typeof import('@tokenward/${name}').${one};\n`);
  return `declare global {\n${constants.join('')}}\nexport {};\n`;
}

/** Returns the sample as a module, at the same line as in its file, so that the compiler's line numbers are correct. */
function moduleOf({ line, code, inside = ['', ''] }) {
  const [before, after] = inside;
  return `${'\n'.repeat(line - 2)}${before}\n${code}\n${after}\nexport {};\n`;
}

function compileProgram(root, { place, files, isBefore }) {
  const { stdout, stderr, status, error } = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['--project', place, '--pretty', 'false'], {
    cwd: place,
    encoding: 'utf8',
    timeout: TSC_TIMEOUT_MS,
  });
  if (error) throw error;
  if (status !== 0 && stdout.trim() === '') throw new Error(`tsc ended with ${status}: ${stderr}`);
  // the lines after the first of a message are indented
  return stdout
    .split(/\n(?=\S)/)
    .map((text) => text.trimEnd())
    .filter((text) => text !== '' && !(isBefore && ONLY_TYPESCRIPT.test(text)))
    .map((text) => text.replace(/^(sample\d+\.ts)\((\d+),\d+\): /, (_, name, line) => `${files.get(name).file}:${line} `));
}

/** Creates a `node_modules` with our packages and all dependencies of packages, examples and benchmarks, which have the packages that we replace. */
function linkModules(root, modules) {
  const places = [root, ...childrenOf(join(root, 'packages')), ...childrenOf(join(root, 'examples')), join(root, 'bench')].map((place) =>
    join(place, 'node_modules'),
  );
  for (const place of places.filter((path) => existsSync(path))) {
    for (const name of readdirSync(place).filter((entry) => !entry.startsWith('.'))) {
      if (name === '@tokenward') continue;
      if (name.startsWith('@')) for (const scoped of readdirSync(join(place, name))) link(join(place, name, scoped), join(modules, name, scoped));
      else link(join(place, name), join(modules, name));
    }
  }
  for (const folder of childrenOf(join(root, 'packages'))) link(folder, join(modules, '@tokenward', basename(folder)));
}

function link(target, path) {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(realpathSync(target), path, 'junction');
}

function childrenOf(folder) {
  return readdirSync(folder).map((name) => join(folder, name));
}
