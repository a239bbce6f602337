import { build, createTally } from './steps.mjs';

/** These files generate their cases from fixed seeds, so each run tries the same hundred thousand. The longest texts are tried too. */
const FILES = ['arbitrary-tokens', 'json-texts', 'json-property', 'heap', 'parsers-end'];
const RUNS = '100000';

build();
const tally = createTally();
for (const file of FILES) {
  tally.vitestStep(`${file}, ${RUNS} times`, ['vitest', 'run', '--testTimeout=3600000', file], { reporter: 'verbose', env: { TOKENWARD_RUNS: RUNS } });
}
tally.finish();
