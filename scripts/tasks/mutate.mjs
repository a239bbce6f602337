import { run } from './steps.mjs';

/** What is given goes to Stryker: `npm run mutate -- --mutate packages/core/src/policy/policy.ts` tries one file. */
run('stryker', ['run', ...process.argv.slice(2)]);
