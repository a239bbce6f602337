// Runs every scenario in a process that holds both copies, and tells its parent what became of each.
import { copiesOf } from './copies.mjs';
import { scenarios } from './scenarios.mjs';

const results = [];
for (const [name, run] of scenarios) {
  try {
    await run(copiesOf);
    results.push([name, 'passed']);
  } catch (error) {
    results.push([name, String(error.stack)]);
  }
}
process.send(results, () => process.disconnect());
