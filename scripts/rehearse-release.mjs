// Rehearses a release from end to end without side effects: changeset, version, build, pack and publish in a copy of the working tree, to a
// registry on loopback. Then it follows the READMEs in empty folders, as a new user would, with the published packages.
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathWithPnpm } from './pnpm.mjs';
import { publicPackages } from './public-packages.mjs';
import { tryCommandLine } from './rehearsal/command-line.mjs';
import { command, endAll } from './rehearsal/command.mjs';
import { freshEnvironment } from './rehearsal/environment.mjs';
import { NEST_CHECKS_PER_RUNTIME, tryNest } from './rehearsal/nest.mjs';
import { tryNodeTypes } from './rehearsal/node-types.mjs';
import { startRegistry } from './rehearsal/registry.mjs';
import { checkPublished, copyWorkingTree, ensureChangeset, publishStep, versionAfter } from './rehearsal/release.mjs';
import { createReport, Stop } from './rehearsal/report.mjs';
import { runtimes } from './rehearsal/runtimes.mjs';
import { readSnippet } from './rehearsal/snippet.mjs';
import { tryTools } from './rehearsal/tools.mjs';
import { tryAsUser } from './rehearsal/user.mjs';
import { hasProvenance } from './release/release-status.mjs';

const MANAGERS = ['npm', 'pnpm'];
const CHECKS_PER_RUNTIME = 2 * 2; // Express 4 and 5, import and require, with npm

// inside a git hook these variables point at the real repository, which the rehearsal must not touch
for (const name of Object.keys(process.env).filter((name) => name.startsWith('GIT_'))) delete process.env[name];

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tokenward-rehearsal-')));
const copy = join(folder, 'copy');
const report = createReport();
const startedAt = performance.now();
let path;
let registry;

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    end();
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
}

try {
  console.log('release');
  const published = await release();
  console.log('\nuse');
  await use(published);
} catch (error) {
  if (!(error instanceof Stop)) {
    await report.check('the rehearsal itself', () => {
      throw error;
    });
  }
} finally {
  end();
  console.log(`\ntook ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  if (report.hasPassed()) rmSync(folder, { recursive: true, force: true });
  else console.log(`the files are kept in ${folder}`);
  report.finish();
}

async function release() {
  path = await report.step('the pnpm that package.json pins', () => pathWithPnpm(root));
  const inCopy = (name, args, timeoutSeconds, env = { ...process.env, PATH: path }) => command(name, args, { cwd: copy, env, timeoutSeconds });

  registry = await report.step('a registry on loopback', () => startRegistry(root, join(folder, 'registry')));
  await report.step('a copy of the working tree', () => (mkdirSync(copy), copyWorkingTree(root, copy)));
  await report.step('install from the lockfile', () => inCopy('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], 300));
  const before = new Map(publicPackages(copy).map(({ name, manifest }) => [name, manifest.version]));
  const version = await report.step('changeset version', async () => {
    ensureChangeset(copy);
    await inCopy(process.execPath, ['scripts/version-packages.mjs'], 60);
    return versionAfter(copy, [...before.values()]);
  });
  await report.step('what it wrote is formatted, as CI demands', () => inCopy(join(copy, 'node_modules', '.bin', 'oxfmt'), ['--check', '.'], 60));
  await report.step('build', () => inCopy('npm', ['run', 'build'], 300));
  await report.step('pack, and check the tarballs', () => inCopy(process.execPath, ['scripts/check-packages.mjs'], 180));

  const publisher = freshEnvironment(join(folder, 'publisher'), registry, path);
  const packages = publicPackages(copy);
  const { run: publish, 'working-directory': tarballs } = publishStep(copy);
  await report.step('pack the release', async () => {
    const output = await inCopy(process.execPath, ['scripts/pack-release.mjs', tarballs], 180, publisher);
    if (output !== `packages=${packages.length}\n`) throw new Error(`expected packages=${packages.length}, got ${output}`);
  });
  await report.step('publish, with the step of release.yml', () =>
    command('bash', ['-e', '-o', 'pipefail', '-c', publish], { cwd: join(copy, tarballs), env: publisher, timeoutSeconds: 120 }),
  );
  await report.step('publish again: nothing is left to do', async () => {
    const output = await command('bash', ['-e', '-o', 'pipefail', '-c', publish], { cwd: join(copy, tarballs), env: publisher, timeoutSeconds: 120 });
    if (output.split('is in the registry already').length - 1 !== packages.length) throw new Error(output);
  });
  for (const pkg of packages) {
    const isProven = hasProvenance(copy, before.get(pkg.name));
    await report.step(`${pkg.name}@${version} is in the registry`, () => checkPublished(pkg, { version, isProven, registry: registry.url, packages }));
  }
  return packages;
}

async function use(packages) {
  const { folder: express } = packages.find(({ name }) => name === '@tokenward/express');
  const snippet = await report.step("the README's snippet", () => readSnippet(readFileSync(join(express, 'README.md'), 'utf8')));
  const env = freshEnvironment(join(folder, 'newcomer'), { url: registry.url }, path);
  const { present, absent } = runtimes(root);
  for (const { name } of absent) report.skip(`${name}: compat/ is not installed`, CHECKS_PER_RUNTIME + NEST_CHECKS_PER_RUNTIME);
  await Promise.all(MANAGERS.map((manager) => tryAsUser({ manager, folder, env, root, snippet, runtimes: present, check: report.check })));
  const nestjs = packages.find(({ name }) => name === '@tokenward/nestjs');
  await Promise.all([
    tryNest({ folder, env, readme: readFileSync(join(nestjs.folder, 'README.md'), 'utf8'), runtimes: present, check: report.check }),
    tryNodeTypes({ folder, env, root, packages, check: report.check }),
    tryTools({ folder, env, packages, check: report.check }),
    tryCommandLine({ folder, env, check: report.check }),
  ]);
}

function end() {
  endAll();
  registry?.stop();
}
