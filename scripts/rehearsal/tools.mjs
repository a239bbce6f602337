import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { entriesOf, hasCommonJs } from '../package-entries.mjs';
import { command } from './command.mjs';

const INSTALL_TIMEOUT_SECONDS = 240;
const TRY_TIMEOUT_SECONDS = 90;
const FIXTURES = fileURLToPath(new URL('fixtures/tools/', import.meta.url));
const FRAMEWORKS = ['express', 'fastify', 'hono', 'koa'];
const OURS = [...FRAMEWORKS.map((name) => `@tokenward/${name}`), '@tokenward/fetch', '@tokenward/testing'];
/** What stays outside of bundles: frameworks, and what else the APIs and their tests need. */
const OTHERS = [...FRAMEWORKS, '@koa/router', 'supertest'];
const TYPES = ['@types/node@24', '@types/express@5', '@types/koa@3', '@types/supertest@7'];
/** ts-jest needs the compiler's JavaScript API, which TypeScript 7 does not have. */
const TRANSFORMS = ['ts-jest@29', '@swc/jest', '@swc/core', 'typescript@6'];
/** NestJS 12 consists of ES modules. nest.mjs tries it with what `nest new` generates. */
const NOT_FOR_JEST = new Set(['@tokenward/nestjs']);

const JEST_CONFIG = {
  testEnvironment: 'node',
  moduleNameMapper: { '^(\\./.*)\\.js$': '$1' },
};
const TRANSFORM = {
  'ts-jest': { '^.+\\.ts$': 'ts-jest' },
  '@swc/jest': { '^.+\\.ts$': '@swc/jest' },
};
/** The settings of a CommonJS project, with the resolution that TypeScript needs to read `exports`. */
const TSCONFIG = {
  compilerOptions: { module: 'commonjs', moduleResolution: 'bundler', target: 'es2022', esModuleInterop: true, strict: true, types: ['node', 'jest'] },
};

/** Tries the packages with the test runners, loaders and bundlers of users. Each runs the same APIs and expects the same answers. */
export async function tryTools({ folder, env, packages, check }) {
  await Promise.all([
    tryJest({ version: 29, app: join(folder, 'tools-jest-29'), env, check, specs: [] }),
    tryJest({
      version: 30,
      app: join(folder, 'tools'),
      env,
      check,
      specs: ['webpack@5', 'esbuild', 'tsx', 'vitest', ...packages.map(({ name }) => name)],
    }).then((app) => app && tryOthers(app, env, packages, check)),
  ]);
}

async function tryJest({ version, app, env, check, specs }) {
  const installed = await check(`npm: install jest@${version} and the tools that are tried with it`, async () => {
    writeApp(app);
    const all = [...new Set([...specs, ...OURS, ...OTHERS, ...TYPES, ...TRANSFORMS, `jest@${version}`, `@types/jest@${version}`])];
    await command('npm', ['install', ...all], { cwd: app, env, timeoutSeconds: INSTALL_TIMEOUT_SECONDS });
    return true;
  });
  if (!installed) return undefined;
  // in CommonJS, Jest cannot load what Fastify's inject requires: an ES module
  const commonJs = { ...env, NO_INJECT: '1' };
  for (const [name, transform] of Object.entries(TRANSFORM)) {
    await check(`jest ${version}, ${name}, CommonJS`, () => run(app, 'ts', commonJs, ['jest', '--config', JSON.stringify({ ...JEST_CONFIG, transform })]));
  }
  await check(`jest ${version}, JavaScript, CommonJS`, () =>
    run(app, 'cjs', commonJs, ['jest', '--config', JSON.stringify({ ...JEST_CONFIG, transform: {} })]),
  );
  return app;
}

async function tryOthers(app, env, packages, check) {
  await check('jest 30: every entry of every package, required', () => {
    mkdirSync(join(app, 'entries'));
    writeFileSync(join(app, 'entries', 'entries.test.js'), requireAll(packages));
    return run(app, 'entries', env, ['jest', '--config', JSON.stringify({ ...JEST_CONFIG, transform: {} })]);
  });
  await check('jest 30, JavaScript, ES modules', () =>
    run(app, 'esm', { ...env, NODE_OPTIONS: '--experimental-vm-modules' }, ['jest', '--config', JSON.stringify({ ...JEST_CONFIG, transform: {} })]),
  );
  await check('vitest', () => run(app, 'ts', env, ['vitest', 'run', '--globals']));
  for (const kind of ['esm', 'cjs']) {
    await check(`node:test, ${kind}`, () =>
      command(process.execPath, ['--test', 'orders.node.js'], { cwd: join(app, kind), env, timeoutSeconds: TRY_TIMEOUT_SECONDS }),
    );
    await check(`Node, ${kind}`, () => runFile(app, env, join(kind, 'main.js')));
    await check(`webpack, ${kind}`, async () => {
      await command(process.execPath, [join('..', 'webpack.mjs'), kind], { cwd: join(app, kind), env, timeoutSeconds: TRY_TIMEOUT_SECONDS });
      await runFile(app, env, join('webpack', `${kind}.cjs`));
    });
    await check(`esbuild, ${kind}`, async () => {
      const external = OTHERS.map((name) => `--external:${name}`);
      await run(app, kind, env, ['esbuild', 'main.js', '--bundle', '--platform=node', ...external, `--outfile=../esbuild/${kind}.cjs`]);
      await runFile(app, env, join('esbuild', `${kind}.cjs`));
    });
  }
  await check('tsx', () => run(app, 'ts', env, ['tsx', 'main.ts']));
}

/** Writes one program in three forms: TypeScript, ES modules and CommonJS. */
function writeApp(app) {
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true }));
  for (const [kind, type] of [
    ['ts', 'commonjs'],
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ]) {
    const target = join(app, kind);
    mkdirSync(target);
    writeFileSync(join(target, 'package.json'), JSON.stringify({ private: true, type }));
    copyFileSync(join(FIXTURES, 'policy.cjs'), join(target, 'policy.cjs'));
    for (const name of ['orders', 'orders.test', 'orders.node', 'main']) {
      const source = readFileSync(join(FIXTURES, `${name}.ts`), 'utf8');
      if (kind === 'ts') writeFileSync(join(target, `${name}.ts`), source);
      else writeFileSync(join(target, `${name}.js`), transformSync(source, { loader: 'ts', format: kind, platform: 'node', target: 'node22' }).code);
    }
  }
  writeFileSync(join(app, 'ts', 'tsconfig.json'), JSON.stringify(TSCONFIG));
  copyFileSync(join(FIXTURES, 'webpack.mjs'), join(app, 'webpack.mjs'));
}

function requireAll(packages) {
  const names = packages
    .filter(({ name, manifest }) => !NOT_FOR_JEST.has(name) && hasCommonJs(manifest))
    .flatMap(({ name, manifest }) => entriesOf(manifest).map(({ path }) => name + path.slice(1)));
  return `test.each(${JSON.stringify(names)})('%s', (name) => {
  expect(Object.keys(require(name)).length).toBeGreaterThan(0);
  expect(require.resolve(name)).toContain('cjs');
});
`;
}

function run(app, kind, env, [name, ...args]) {
  return command(join(app, 'node_modules', '.bin', name), args, {
    cwd: join(app, kind),
    env: { ...env, TOKENWARD_HINTS: '0' },
    timeoutSeconds: TRY_TIMEOUT_SECONDS,
  });
}

function runFile(app, env, file) {
  return command(process.execPath, [file], { cwd: app, env: { ...env, TOKENWARD_HINTS: '0' }, timeoutSeconds: TRY_TIMEOUT_SECONDS });
}
