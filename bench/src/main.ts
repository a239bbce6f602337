import { mkdirSync, writeFileSync } from 'node:fs';
import { measureAdapter, type AdapterResult } from './adapters/measure.ts';
import { readPlan, USAGE, type Plan } from './arguments.ts';
import { measureEncryption } from './encryption.ts';
import { describeEnvironment, loadNow } from './environment.ts';
import { measureDpop } from './dpop.ts';
import { measureFaults } from './faults.ts';
import { measureHostileCost } from './hostile-cost.ts';
import { measureHttp, type HttpResult } from './http/measure.ts';
import { servers } from './http/servers/index.ts';
import { countHostile } from './hostile.ts';
import { measureMemory } from './memory.ts';
import { createRandom } from './random.ts';
import { measureRevocation } from './revocation.ts';
import { measureSession } from './session.ts';
import { sessionTables } from './session/tables.ts';
import {
  adapterTable,
  encryptionTable,
  dpopTable,
  eventLoopTable,
  floodTable,
  hostileCostTable,
  hostileTable,
  httpTable,
  memoryTable,
  revocationTable,
  validationTable,
} from './table.ts';
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
  console.log(`Node ${environment.node}, ${environment.cpu}, ${environment.cores} cores, load ${loadBefore} at the start\n`);

  const validation: ValidationResult[] = [];
  for (const algorithm of plan.validation ? ALGORITHMS : []) {
    const result = await measureValidation(algorithm, plan.validation!, random);
    validation.push(result);
    console.log(`${validationTable(result)}\n`);
  }
  const adapters: AdapterResult[] = [];
  for (const framework of plan.adapters ? plan.frameworks : []) adapters.push(await measureAdapter(framework, plan.adapters!, plan.seed));
  if (adapters.length > 0) console.log(`${adapterTable(adapters)}\n`);

  const http: HttpResult[] = [];
  for (const framework of plan.http ? plan.frameworks : []) {
    const result = await measureHttp(framework, plan.http!, random);
    http.push(result);
    console.log(`${httpTable(result)}\n`);
  }

  const hostile = plan.hostile ? await countHostile(plan.frameworks) : undefined;
  if (hostile) console.log(`${hostileTable(hostile)}\n`);
  const hostileCost = plan.hostile && (await measureHostileCost(plan.hostile));
  if (hostileCost) console.log(`${hostileCostTable(hostileCost)}\n`);

  const faults = plan.faults && (await measureFaults(plan.faults, random));
  if (faults) console.log(`${floodTable(faults.flood)}\n\n${eventLoopTable(faults.eventLoop)}\n`);
  const memory = plan.memory && (await measureMemory(plan.memory));
  if (memory) console.log(`${memoryTable(memory)}\n`);
  const revocation = plan.revocation && (await measureRevocation(plan.revocation, random));
  if (revocation) console.log(`${revocationTable(revocation)}\n`);
  const session = plan.session && (await measureSession(plan.session, random));
  if (session) console.log(`${sessionTables(session)}\n`);
  const encryption = plan.encryption && (await measureEncryption(plan.encryption, random));
  if (encryption) console.log(`${encryptionTable(encryption)}\n`);
  const dpop = plan.dpop && (await measureDpop(plan.dpop, random));
  if (dpop) console.log(`${dpopTable(dpop)}\n`);

  mkdirSync(RESULTS, { recursive: true });
  const result = {
    takenAt,
    ...environment,
    load: { before: loadBefore, after: loadNow() },
    plan,
    validation,
    adapters,
    http,
    hostile,
    hostileCost,
    faults,
    memory,
    revocation,
    session,
    encryption,
    dpop,
  };
  const name = environment.node.startsWith('24.') ? plan.name : `${plan.name}-node-${environment.node.split('.', 1)[0]}`;
  writeFileSync(new URL(`${name}.json`, RESULTS), `${JSON.stringify(result, rounded, 2)}\n`);
  console.log(`written to bench/results/${name}.json; load ${result.load.after} at the end`);
}

function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
