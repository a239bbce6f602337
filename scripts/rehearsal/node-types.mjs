import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';

const INSTALL_TIMEOUT_SECONDS = 240;
const TSC_TIMEOUT_SECONDS = 90;
/** The oldest supported version, the one that most people use, and the newest. */
const VERSIONS = ['22', '24', 'latest'];
/** The types of these adapters need them. */
const FRAMEWORK_TYPES = ['@types/express@5', '@types/koa@3'];
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2024',
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  types: ['node'],
};
const OURS = /^(node_modules\/@tokenward\/|app\.mts)/;

/**
 * Compiles every entry point of every published package, declaration files included, against several majors of `@types/node`. Types change between
 * them, and users see errors with `skipLibCheck: false`.
 */
export async function tryNodeTypes({ folder, env, root, packages, check }) {
  const app = join(folder, 'node-types');
  mkdirSync(app);
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const specs = [
    ...packages.map(({ name }) => name),
    ...FRAMEWORK_TYPES,
    ...VERSIONS.map((version) => `${alias(version)}@npm:@types/node@${version}`),
    `typescript@${devDependencies.typescript}`,
  ];
  const installed = await check('npm: install all packages, and several @types/node', async () => {
    writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await command('npm', ['install', ...specs], { cwd: app, env, timeoutSeconds: INSTALL_TIMEOUT_SECONDS });
    writeFileSync(join(app, 'app.mts'), program(packages));
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.mts'] }));
    return true;
  });
  for (const version of installed ? VERSIONS : []) await check(`types of all packages, @types/node@${version}`, () => compile(app, env, version));
}

function program(packages) {
  const entries = packages.flatMap(({ name, manifest }) =>
    Object.keys(manifest.exports)
      .filter((path) => path !== './package.json')
      .map((path) => name + path.slice(1)),
  );
  return [
    ...entries.map((entry, index) => `export * as entry${index} from '${entry}';`),
    "import { createResourceGuard } from '@tokenward/core';",
    '// @ts-expect-error -- an issuer is a string; if everything were `any`, this directive would be unused',
    "createResourceGuard({ issuer: 42, audience: 'https://api.example.com' });",
    '',
  ].join('\n');
}

async function compile(app, env, version) {
  const types = join(app, 'node_modules', '@types', 'node');
  rmSync(types, { recursive: true, force: true });
  symlinkSync(join(app, 'node_modules', alias(version)), types, 'junction');
  let output = '';
  try {
    await command(join(app, 'node_modules', '.bin', 'tsc'), ['--pretty', 'false'], { cwd: app, env, timeoutSeconds: TSC_TIMEOUT_SECONDS });
  } catch (error) {
    output = error.message;
    // the first line is the command; if no compiler error follows, the compiler itself failed
    if (!/^\S+\(\d+,\d+\): error TS/m.test(output)) throw error;
  }
  // declaration files of other packages may have errors of their own
  const problems = output.split('\n').filter((line) => OURS.test(line));
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function alias(version) {
  return `node-types-${version}`;
}
