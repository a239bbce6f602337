// Prints the number of changesets that are not released yet, as a workflow's output: `waiting=3`.
import { fileURLToPath } from 'node:url';
import { waitingChangesets } from './public-packages.mjs';

console.log(`waiting=${waitingChangesets(fileURLToPath(new URL('..', import.meta.url))).length}`);
