import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

const WHOLE_TOKENS =
  'both-kinds,claims,claims-schema,demands,dpop,errors,explanations,guard,hostile-tokens,issuer-names,issuers,jwt-svid,key-labels,keys,' +
  'monitoring,mtls,open-api,options,post-quantum,request-shapes,sessions,shadow,signals,token-cache,vectors';

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
    include: ['packages/core/src/**/*.test.ts', `packages/core/test/{${WHOLE_TOKENS}}.test.ts`],
    exclude: ['packages/core/src/{issuer,keys,net}/**', 'packages/core/src/jose/{key,weak}-*'],
    maxWorkers: 1,
    testTimeout: 20_000,
  },
});
