import { mkdirSync, writeFileSync } from 'node:fs';
import { readPlan, USAGE, type Plan } from './arguments.ts';
import { describeEnvironment, loadNow } from './environment.ts';
import { servers } from './http/candidate.ts';
import { measureHttp } from './http/measure.ts';
import { countHostile } from './hostile.ts';
import { createRandom } from './random.ts';
import { hostileTable, httpTable, validationTable } from './table.ts';
import { candidates } from './validation/candidates/index.ts';
import { ALGORITHMS, measureValidation, type ValidationResult } from './validation/measure.ts';

const RESULTS = new URL('../results/', import.meta.url);

await run(planOrUsage());

function planOrUsage(): Plan {
  try {
    return readPlan(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return process.exit(2);
  }
}

async function run(plan: Plan): Promise<void> {
  const takenAt = new Date().toISOString();
  const environment = describeEnvironment([
    ...candidates.flatMap(({ packageName }) => packageName ?? []),
    ...servers.flatMap(({ packageNames }) => packageNames),
  ]);
  const random = createRandom(plan.seed);
  const loadBefore = loadNow();
  console.log(`Node ${environment.node}, ${environment.cpu}, ${environment.cores} cores, load ${loadBefore} before the start\n`);

  const validation: ValidationResult[] = [];
  for (const algorithm of plan.validation ? ALGORITHMS : []) {
    const result = await measureValidation(algorithm, plan.validation!, random);
    validation.push(result);
    console.log(`${validationTable(result)}\n`);
  }
  const http = plan.http && (await measureHttp(plan.http, random));
  if (http) console.log(`${httpTable(http)}\n`);

  const hostile = plan.hostile ? await countHostile() : undefined;
  if (hostile) console.log(`${hostileTable(hostile)}\n`);

  mkdirSync(RESULTS, { recursive: true });
  const result = { takenAt, ...environment, load: { before: loadBefore, after: loadNow() }, plan, validation, http, hostile };
  writeFileSync(new URL(`${plan.name}.json`, RESULTS), `${JSON.stringify(result, rounded, 2)}\n`);
  console.log(`written to bench/results/${plan.name}.json; load ${result.load.after} at the end`);
}

function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
