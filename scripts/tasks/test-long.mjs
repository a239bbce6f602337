import { build, createTally, readVitestCounts } from './steps.mjs';

/** What is tried at random, and with which seed, stands in these files: the same each time, and a hundred thousand of each; the longest texts are tried, too. */
const FILES = ['arbitrary-tokens', 'json-texts', 'json-property', 'heap', 'parsers-end'];
const RUNS = '100000';

build();
const tally = createTally();
for (const file of FILES) {
  tally.step(
    `${file}, ${RUNS} times`,
    'vitest',
    ['run', '--reporter=verbose', '--reporter=json', '--outputFile.json={counts}', '--testTimeout=3600000', file],
    { env: { TOKENWARD_RUNS: RUNS }, read: readVitestCounts },
  );
}
tally.finish();
