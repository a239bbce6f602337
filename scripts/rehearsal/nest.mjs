import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';

const INSTALL_TIMEOUT_SECONDS = 240;
const BUILD_TIMEOUT_SECONDS = 120;
const RUN_TIMEOUT_SECONDS = 40;
const TEST_TIMEOUT_SECONDS = 60;
const CHECK = fileURLToPath(new URL('fixtures/check.mjs', import.meta.url));
const COMPILERS = ['tsc', 'swc'];
/** The generator's other dependencies, apart from the test runner, are for linting. */
const DEVELOPMENT = ['@nestjs/cli', '@nestjs/schematics', '@nestjs/testing', '@types/express', '@types/node', 'typescript'];
const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url));

/** How the generator creates an application: `nest new` makes ES modules, and its schematic can make CommonJS. */
const KINDS = {
  module: { name: 'nest', runner: ['vitest', 'vite-tsconfig-paths'], args: ['new', 'app', '--skip-git', '--skip-install', '--package-manager', 'npm'] },
  CommonJS: {
    name: 'schematics',
    runner: ['jest', 'ts-jest', 'ts-node', '@types/jest'],
    args: ['@nestjs/schematics:application', '--name=app', '--type=cjs', '--package-manager=npm', '--language=ts'],
  },
};

/** The number of checks for one Node version. */
export const NEST_CHECKS_PER_RUNTIME = Object.keys(KINDS).length * COMPILERS.length;

/** Does what a new user of NestJS does: `nest new`, install the package, copy the README's sample, `nest build` with each compiler, run. */
export async function tryNest({ folder, env, readme, runtimes, check }) {
  const [, snippet] = /^```ts\n(.*?)^```$/ms.exec(readme) ?? [];
  if (!snippet) throw new Error('the README of @tokenward/nestjs has no ```ts block');
  const cli = emptyFolder(folder, 'nest-cli');
  const run = (cwd, name, args, timeoutSeconds) => command(name, args, { cwd, env, timeoutSeconds });
  const installed = await check('npm: install @nestjs/cli, and @tokenward/testing', async () => {
    await run(cli, 'npm', ['install', '@nestjs/cli@12', '@tokenward/testing'], INSTALL_TIMEOUT_SECONDS);
    copyFileSync(CHECK, join(cli, 'check.mjs'));
    return true;
  });
  if (!installed) return;

  for (const [kind, { name, args, runner }] of Object.entries(KINDS)) {
    const parent = emptyFolder(folder, `nest-${kind}`);
    const app = join(parent, 'app');
    const ready = await check(`NestJS, ${kind}: nest new, install @tokenward/nestjs`, async () => {
      await run(parent, process.execPath, [binOf(cli, name), ...args], BUILD_TIMEOUT_SECONDS);
      keepDependencies(app, [...DEVELOPMENT, ...runner]);
      await run(app, 'npm', ['install', '@tokenward/nestjs'], INSTALL_TIMEOUT_SECONDS);
      await run(app, 'npm', ['install', '--save-dev', '@swc/cli', '@swc/core', '@tokenward/testing'], INSTALL_TIMEOUT_SECONDS);
      writeApp(app, snippet, kind);
      return true;
    });
    // the command and the configuration of jest or vitest come from the generator
    if (ready) await check(`NestJS, ${kind}: npm test, with ${runner[0]}`, () => run(app, 'npm', ['test'], TEST_TIMEOUT_SECONDS));
    for (const compiler of ready ? COMPILERS : []) {
      const label = `NestJS, ${kind}, ${compiler}`;
      const built = await check(`${label}: nest build`, async () => {
        rmSync(join(app, 'dist'), { recursive: true, force: true });
        await run(app, join(app, 'node_modules', '.bin', 'nest'), ['build', '--builder', compiler], BUILD_TIMEOUT_SECONDS);
        return true;
      });
      const main = [join(app, 'dist', 'main.js'), join(app, 'dist', 'src', 'main.js')].find((file) => existsSync(file));
      for (const { name: runtime, node } of built ? runtimes : []) {
        await check(`${label}: on ${runtime}`, () => run(cli, node, ['check.mjs', String(main)], RUN_TIMEOUT_SECONDS));
      }
    }
  }
}

function emptyFolder(parent, name) {
  const folder = join(parent, name);
  mkdirSync(folder);
  return folder;
}

/** Returns the path of a command. `.bin` has only the commands of packages that were named in `npm install`. */
function binOf(cli, name) {
  const files = { nest: ['@nestjs', 'cli', 'bin', 'nest.js'], schematics: ['@angular-devkit', 'schematics-cli', 'bin', 'schematics.js'] };
  return join(cli, 'node_modules', ...files[name]);
}

function keepDependencies(app, development) {
  const file = join(app, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  manifest.devDependencies = Object.fromEntries(Object.entries(manifest.devDependencies).filter(([name]) => development.includes(name)));
  writeFileSync(file, JSON.stringify(manifest));
  rmSync(join(app, 'test'), { recursive: true, force: true });
  const config = join(app, 'tsconfig.json');
  const { compilerOptions, ...rest } = JSON.parse(readFileSync(config, 'utf8'));
  // so that the package's own types are checked
  writeFileSync(config, JSON.stringify({ ...rest, compilerOptions: { ...compilerOptions, types: ['node'], skipLibCheck: false } }));
}

/** Writes the README's sample as the application's module, and a main file that sends its port to the parent process. */
function writeApp(app, snippet, kind) {
  const extension = kind === 'module' ? '.js' : '';
  const module = snippet.replace(/\bissuer: '[^']*'/, 'issuer: process.env.ISSUER_BASE_URL').replace(/\baudience: '[^']*'/, 'audience: process.env.AUDIENCE');
  writeFileSync(join(app, 'src', 'app.module.ts'), module);
  writeFileSync(
    join(app, 'src', 'app.controller.spec.ts'),
    readFileSync(join(FIXTURES, 'nest-spec.ts'), 'utf8').replace("'./app.module.js'", `'./app.module${extension}'`),
  );
  writeFileSync(
    join(app, 'src', 'main.ts'),
    `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module${extension}';

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  process.send!(Number(new URL(await app.getUrl()).port));
}
void bootstrap();
`,
  );
}
