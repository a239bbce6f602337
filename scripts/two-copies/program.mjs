// Runs every scenario in a process with both copies, and sends the results to its parent.
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
