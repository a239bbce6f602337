import { build, run } from './steps.mjs';

/** Arguments are passed to Stryker: `npm run mutate -- --mutate packages/core/src/policy/policy.ts` tries one file. */
// some tests start a process of the built packages
build();
run('stryker', ['run', ...process.argv.slice(2)]);
