import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { makeRsaPrimes } from './scripts/keys/rsa-primes.mjs';

const source = (path: string) => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

const WHOLE_TOKENS =
  'both-kinds,claims,claims-schema,demands,dpop,encrypted-tokens,errors,explanations,guard,hostile-tokens,introspection,issuer-names,issuers,jwt-svid,key-labels,keys,' +
  'monitoring,mtls,open-api,options,post-quantum,request-shapes,sessions,shadow,signals,token-cache,vectors';

const TESTS = ['packages/core/src/**/*.test.ts', `packages/core/test/{${WHOLE_TOKENS}}.test.ts`];
const UNTOUCHED_CODE = ['packages/core/src/{issuer,keys,net}/**', 'packages/core/src/jose/{key,weak}-*'];

// They replace a module or watch a function of one, which no other file may have loaded before (see vitest.config.ts).
const ALONE = globSync(TESTS).filter((file) => file.endsWith('/test/token-cache.test.ts') || readFileSync(file, 'utf8').includes('vi.mock('));

/** Stryker stops at the first failure, and the tests beside the code notice most mutants within milliseconds. */
class BesideTheCodeFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isFar = ({ moduleId }: TestSpecification) => Number(!moduleId.includes('/src/'));
    return (await super.sort(files)).toSorted((one, other) => isFar(one) - isFar(other));
  }
}

// What Stryker runs for each mutant (see stryker.config.mjs), so it must be quick: the tests beside the code, and those of whole tokens that
// take about a second. The packages' names mean their sources, since what was built knows no mutants.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@tokenward\/core$/, replacement: source('core/src/index.ts') },
      { find: /^@tokenward\/core\/([a-z-]+)$/, replacement: source('core/src/$1.ts') },
      { find: /^@tokenward\/testing$/, replacement: source('testing/src/index.ts') },
    ],
  },
  test: {
    maxWorkers: 1,
    testTimeout: 20_000,
    sequence: { sequencer: BesideTheCodeFirst },
    setupFiles: [fileURLToPath(new URL('scripts/keys/stock.mjs', import.meta.url))],
    provide: { rsaPrimes: await makeRsaPrimes() },
    env: { TOKENWARD_HINTS: '0' },
    projects: [
      { extends: true, test: { name: 'shared', include: TESTS, exclude: [...UNTOUCHED_CODE, ...ALONE], isolate: false } },
      { extends: true, test: { name: 'alone', include: ALONE, exclude: UNTOUCHED_CODE } },
    ],
  },
});
