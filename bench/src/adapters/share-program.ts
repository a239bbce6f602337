import { FRAMEWORKS } from '../framework.ts';
import { createRandom } from '../random.ts';
import { measureShare, type SharePlan } from './share.ts';

/** Measures one framework, and sends the figures to the parent process. */
const [framework, credentials, seed, plan] = process.argv.slice(2) as [string, string, string, string];
const wanted = FRAMEWORKS.find((name) => name === framework);
if (!wanted || (credentials !== 'required' && credentials !== 'optional')) throw new Error(`cannot measure ${framework} with credentials "${credentials}"`);
process.send!(await measureShare(wanted, credentials, JSON.parse(plan) as SharePlan, createRandom(Number(seed))));
process.disconnect();
