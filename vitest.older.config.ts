import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { makeRsaPrimes } from './scripts/keys/rsa-primes.mjs';

/** The older majors of frameworks, by their folders in `compat`: the package that supports each, and its tests that run there. */
const OLDER = {
  'nest-11': { name: 'nestjs', tests: 'adapter-suite,gateway-guards,graphql,handlers,open-api,open-api-running,testing' },
  'koa-2': { name: 'koa', tests: 'adapter-suite,paths,routing' },
};

/** Whatever tests import besides their own package. */
const SHARED = ['packages/testing/test', 'packages/core/test/self-signed', 'tsconfig.base.json', 'tsconfig.check.json'];

const root = fileURLToPath(new URL('.', import.meta.url));

// Node finds a framework from the place of the file that imports it. So a copy of the built package, below the folder with the older major, runs on that one.
for (const [folder, { name }] of Object.entries(OLDER)) {
  const place = join(root, 'compat', folder, 'packages');
  rmSync(place, { recursive: true, force: true });
  const own = ['package.json', 'dist', 'test', 'tsconfig.json'].map((file) => `packages/${name}/${file}`);
  for (const path of [...own, ...SHARED]) {
    const to = path.startsWith('packages/') ? path.slice('packages/'.length) : `../${path}`;
    cpSync(join(root, path), join(place, to), { recursive: true, filter: (source) => !source.includes('node_modules') });
  }
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 20_000,
    setupFiles: [fileURLToPath(new URL('scripts/keys/stock.mjs', import.meta.url))],
    provide: { rsaPrimes: await makeRsaPrimes() },
    env: { TOKENWARD_HINTS: '0' },
    include: Object.entries(OLDER).map(([folder, { name, tests }]) => `compat/${folder}/packages/${name}/test/{${tests}}.test.ts`),
  },
});
