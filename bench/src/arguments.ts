import { parseArgs } from 'node:util';
import type { SharePlan } from './adapters/share.ts';
import type { DpopPlan } from './dpop.ts';
import { FRAMEWORKS, type Framework } from './framework.ts';
import type { EncryptionPlan } from './encryption.ts';
import type { FaultsPlan } from './faults.ts';
import type { HostileCostPlan } from './hostile-cost.ts';
import type { HttpPlan } from './http/measure.ts';
import type { MemoryPlan } from './memory.ts';
import type { RevocationPlan } from './revocation.ts';
import type { SessionPlan } from './session.ts';
import type { ValidationPlan } from './validation/measure.ts';

export interface Plan {
  /** The name of the result file. */
  readonly name: string;
  readonly seed: number;
  /** The validation part uses none of them. */
  readonly frameworks: readonly Framework[];
  /** undefined: this part does not run. */
  readonly validation: ValidationPlan | undefined;
  readonly adapters: SharePlan | undefined;
  readonly http: HttpPlan | undefined;
  /** What hostile tokens cost, and which of them servers accept. */
  readonly hostile: HostileCostPlan | undefined;
  readonly faults: FaultsPlan | undefined;
  readonly memory: MemoryPlan | undefined;
  readonly revocation: RevocationPlan | undefined;
  readonly session: SessionPlan | undefined;
  readonly encryption: EncryptionPlan | undefined;
  readonly dpop: DpopPlan | undefined;
}

const PARTS = ['validation', 'adapters', 'http', 'hostile', 'faults', 'memory', 'revocation', 'session', 'encryption', 'dpop'];

export const USAGE = `Usage: npm run bench -- [--quick] [--only ${PARTS.join('|')}] [--framework ${FRAMEWORKS.join('|')}]... [--seed N]
  --quick      few and short rounds: shows that everything works, not how fast it is
  --only       runs one part
  --framework  runs one framework, without the validation part; repeat it for several
  --seed       another order in which the candidates take turns`;

const FULL = {
  validation: { rounds: { warmUp: 40, measured: 60 }, sliceSize: 128, knownSliceSize: 1024, poolSize: 2048, knownTokens: 100 },
  adapters: { rounds: { warmUp: 10, measured: 60 }, sliceSize: 1024, poolSize: 512 },
  http: { rounds: { warmUp: 6, measured: 20 }, sliceSize: 3000, connections: 16, poolSize: 1024 },
  hostile: { rounds: 11, sliceSize: 100 },
  faults: {
    flood: { unknownKeys: 10_000, goodTokens: 1000 },
    eventLoop: { rounds: 9, connections: 64, sliceSize: 4000, poolSize: 1024, rates: [undefined, 2000] },
  },
  memory: { tokens: 5000, issuers: 300 },
  revocation: { rounds: { warmUp: 10, measured: 60 }, sliceSize: 4096, knownTokens: 100, live: [1000, 100_000] },
  session: {
    calls: { rounds: { warmUp: 3, measured: 20 }, sliceSize: 3000, connections: 16, poolSize: 1024 },
    refreshes: { sessions: 20, processes: 4, calls: 50 },
  },
  encryption: { rounds: { warmUp: 5, measured: 30 }, sliceSize: 512, tokens: 100 },
  dpop: { rounds: { warmUp: 10, measured: 60 }, sliceSize: 512, knownClients: 100, clients: 2048 },
};
const QUICK = {
  validation: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 128, knownSliceSize: 128, poolSize: 128, knownTokens: 32 },
  adapters: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 128, poolSize: 32 },
  http: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 200, connections: 8, poolSize: 64 },
  hostile: { rounds: 3, sliceSize: 20 },
  faults: {
    flood: { unknownKeys: 10_000, goodTokens: 500 },
    eventLoop: { rounds: 2, connections: 64, sliceSize: 400, poolSize: 64, rates: [undefined, 1000] },
  },
  memory: { tokens: 500, issuers: 50 },
  revocation: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 512, knownTokens: 32, live: [1000, 10_000] },
  session: {
    calls: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 200, connections: 8, poolSize: 64 },
    refreshes: { sessions: 3, processes: 4, calls: 50 },
  },
  encryption: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 128, tokens: 32 },
  dpop: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 64, knownClients: 32, clients: 1100 },
};

/**
 * Reads the command line.
 *
 * @throws Error that says what is wrong with the arguments
 */
export function readPlan(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      framework: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
    },
  });
  const { quick, only, framework: named, seed } = values;
  if (only !== undefined && !PARTS.includes(only)) throw new Error(`--only ${only} is unknown. Use one of ${PARTS.join(', ')}`);
  const unknown = named.find((name) => !FRAMEWORKS.some((framework) => framework === name));
  if (unknown !== undefined) throw new Error(`--framework ${unknown} is unknown. Use one of ${FRAMEWORKS.join(', ')}`);
  if (named.length > 0 && only === 'validation') throw new Error('--framework does not apply to the validation part. Leave one of them out');
  if (!/^\d{1,9}$/.test(seed)) throw new Error(`--seed ${seed} is not a whole number`);
  const frameworks = FRAMEWORKS.filter((framework) => named.length === 0 || named.includes(framework));
  const isWanted = (part: string): boolean => only === undefined || only === part;
  const { validation, adapters, http, hostile, faults, memory, revocation, session, encryption, dpop } = quick ? QUICK : FULL;
  return {
    // only the result of a complete run is committed
    name: quick ? 'quick' : [only ?? [], named].flat().join('-') || 'latest',
    seed: Number(seed),
    frameworks,
    validation: isWanted('validation') && named.length === 0 ? validation : undefined,
    adapters: isWanted('adapters') ? adapters : undefined,
    http: isWanted('http') ? http : undefined,
    hostile: isWanted('hostile') ? hostile : undefined,
    faults: isWanted('faults') ? faults : undefined,
    memory: isWanted('memory') ? memory : undefined,
    revocation: isWanted('revocation') ? revocation : undefined,
    session: isWanted('session') ? session : undefined,
    encryption: isWanted('encryption') ? encryption : undefined,
    dpop: isWanted('dpop') ? dpop : undefined,
  };
}
