import { globSync } from 'node:fs';
import { relative, sep } from 'node:path';
import config from '../../stryker.config.mjs';
import { build, run } from './steps.mjs';

/** Arguments are passed to Stryker: `npm run mutate -- --mutate packages/core/src/policy/policy.ts` tries one file. */
const given = process.argv.slice(2);
// some tests start a process of the built packages
build();
if (given.some((one) => one.startsWith('--mutate') || one === '-m')) run('stryker', ['run', ...given]);
else {
  // Folder by folder: Stryker keeps results only at the end of a run, and all of them take an hour. Each run also counts what earlier ones have found.
  let hasPassed = true;
  for (const [folder, files] of Map.groupBy(mutatedFiles(), (file) => file.split('/src/')[1].split('/')[0])) {
    console.log(`\n== ${folder}`);
    hasPassed = run('stryker', ['run', ...given, '--mutate', files.join(',')], { mayFail: true }) && hasPassed;
  }
  if (!hasPassed) process.exitCode = 1;
}

function mutatedFiles() {
  const [excluded, patterns] = [config.mutate.filter((one) => one.startsWith('!')), config.mutate.filter((one) => !one.startsWith('!'))];
  return globSync(patterns, { exclude: excluded.map((one) => one.slice(1)) }).map((file) => relative('', file).split(sep).join('/'));
}
