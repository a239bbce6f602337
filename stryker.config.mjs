// Mutation tests of the code that decides on tokens: `npm run mutate`. CONTRIBUTING.md says how to read them.
export default {
  mutate: [
    'packages/core/src/access-token/{claims,introspection-*,registered-claims,token-cache,token-weight,verify}.ts',
    'packages/core/src/auth/names.ts',
    'packages/core/src/binding/*.ts',
    '!packages/core/src/binding/*-options.ts',
    'packages/core/src/decision/{challenge,denial}.ts',
    'packages/core/src/issuer/verifying-key.ts',
    'packages/core/src/jose/{algorithms,compact-jwe,compact-jws,signature,unverified-issuer}.ts',
    'packages/core/src/lib/{base64url,json,parse-json}.ts',
    'packages/core/src/policy/**/*.ts',
    'packages/core/src/request/credentials.ts',
    '!**/*.test.ts',
  ],
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // Stryker would rewrite tsconfig files through the JavaScript interface of the compiler, which TypeScript 7 does not have. A name of no file
  // makes it leave them alone. Only vitest compiles here, and it reads none of them.
  tsconfigFile: 'none',
  // what is created once, at import, cannot be changed for one test: each such mutant would need a run of all tests
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 3000,
  incremental: true,
  incrementalFile: '.stryker/incremental.json',
  tempDirName: '.stryker/sandbox',
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { reportTests: false, logTests: false, allowColor: false },
  jsonReporter: { fileName: '.stryker/report.json' },
  allowConsoleColors: false,
  thresholds: { high: 98, low: 96, break: 96 },
};
