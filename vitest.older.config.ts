import { cpSync, existsSync, globSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { makeRsaPrimes } from './scripts/keys/rsa-primes.mjs';

/** The older majors of frameworks, by their folders in `compat`: how tests of all frameworks name the newer one, and the packages with the tests that run there. */
const OLDER = {
  'nest-11': {
    newer: 'NestJS 12',
    packages: {
      nestjs: 'adapter-suite,gateway-guards,graphql,handlers,open-api,open-api-running,routes,testing',
      'browser-session': 'frameworks,nestjs-module',
    },
  },
  'koa-2': { newer: 'Koa 3', packages: { koa: 'adapter-suite,paths,routes,routing', 'browser-session': 'frameworks' } },
};

/** Whatever tests import besides their own package. */
const SHARED = ['packages/testing/test', 'packages/core/test/self-signed', 'tsconfig.base.json', 'tsconfig.check.json'];

const root = fileURLToPath(new URL('.', import.meta.url));

// Node finds a framework from the place of the file that imports it. So copies of the built packages, below the folder with the older major, run on that one.
for (const [folder, { newer, packages }] of Object.entries(OLDER)) {
  const place = join(root, 'compat', folder, 'packages');
  rmSync(place, { recursive: true, force: true });
  const own = Object.keys(packages).flatMap((name) => ['package.json', 'dist', 'test', 'tsconfig.json'].map((file) => `packages/${name}/${file}`));
  for (const path of [...own, ...SHARED]) {
    const to = path.startsWith('packages/') ? path.slice('packages/'.length) : `../${path}`;
    cpSync(join(root, path), join(place, to), { recursive: true, filter: (source) => !source.includes('node_modules') });
  }
  // without HTTP/2, over which Koa 2 itself answers no request with HEAD
  const tests = join(place, 'browser-session', 'test');
  renameSync(join(tests, 'frameworks.ts'), join(tests, 'all-frameworks.ts'));
  writeFileSync(
    join(tests, 'frameworks.ts'),
    `import { frameworks as all } from './all-frameworks.ts';
export const frameworks = all.filter(({ name, http2 }) => name.startsWith('${newer}') && !http2).map((one) => ({ ...one, name: one.name.replace('${newer}', '${folder}') }));
`,
  );
  for (const name of Object.keys(packages)) link(join(place, name), join(place, 'node_modules', '@tokenward', name));
  // its other dependencies, unless the folder has them in an older version
  const modules = join(root, 'packages', 'browser-session', 'node_modules');
  for (const name of globSync(['@*/*', '[!@.]*'], { cwd: modules })) {
    if (!existsSync(join(root, 'compat', folder, 'node_modules', name))) link(realpathSync(join(modules, name)), join(place, 'node_modules', name));
  }
}

function link(target: string, path: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 20_000,
    setupFiles: [fileURLToPath(new URL('scripts/keys/stock.mjs', import.meta.url))],
    provide: { rsaPrimes: await makeRsaPrimes() },
    env: { TOKENWARD_HINTS: '0' },
    include: Object.entries(OLDER).flatMap(([folder, { packages }]) =>
      Object.entries(packages).flatMap(([name, tests]) => tests.split(',').map((test) => `compat/${folder}/packages/${name}/test/${test}.test.ts`)),
    ),
  },
});
