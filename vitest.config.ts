import { defineConfig } from 'vitest/config';

// Two workers at most. `scripts` are tests of what builds and releases; `units` are tests of single files, next to the code; `published` are those that see a package as its users do, by
// its name and its built `dist`, and that run on every supported Node.
export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 20_000,
    // refusals are what most tests are about; those of the hints themselves switch them on
    env: { TOKENWARD_HINTS: '0' },
    projects: [
      { extends: true, test: { name: 'scripts', include: ['scripts/**/*.test.mjs'] } },
      { extends: true, test: { name: 'units', include: ['packages/*/src/**/*.test.ts', 'bench/src/**/*.test.ts'] } },
      { extends: true, test: { name: 'published', include: ['packages/*/test/**/*.test.ts'] } },
    ],
  },
});
