import { parseArgs } from 'node:util';
import type { HttpPlan } from './http/measure.ts';
import type { ValidationPlan } from './validation/measure.ts';

export interface Plan {
  /** Under which name the result is written. */
  readonly name: string;
  readonly seed: number;
  /** undefined: this part is left out. */
  readonly validation: ValidationPlan | undefined;
  readonly http: HttpPlan | undefined;
  /** Whether to count which hostile tokens are accepted. */
  readonly hostile: boolean;
}

export const USAGE = `Usage: npm run bench -- [--quick] [--only validation|http|hostile] [--seed N]
  --quick   few and short rounds: shows that everything works, not how fast it is
  --only    one of the three parts
  --seed    of the order in which the candidates take their turns`;

const PARTS = ['validation', 'http', 'hostile'];

const FULL = {
  validation: { rounds: { warmUp: 5, measured: 30 }, sliceSize: 1024, poolSize: 2048, knownTokens: 100 },
  http: { rounds: { warmUp: 3, measured: 20 }, sliceSize: 3000, connections: 16, poolSize: 1024 },
};
const QUICK = {
  validation: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 128, poolSize: 128, knownTokens: 32 },
  http: { rounds: { warmUp: 1, measured: 3 }, sliceSize: 200, connections: 8, poolSize: 64 },
};

/** @throws Error that says what is wrong with the arguments */
export function readPlan(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, seed: { type: 'string', default: '1' } },
  });
  const { quick, only, seed } = values;
  if (only !== undefined && !PARTS.includes(only)) throw new Error(`--only ${only}: it is one of ${PARTS.join(', ')}`);
  const isWanted = (part: string): boolean => only === undefined || only === part;
  if (!/^\d{1,9}$/.test(seed)) throw new Error(`--seed ${seed}: a whole number is needed`);
  const { validation, http } = quick ? QUICK : FULL;
  return {
    // the results that are kept are those of a whole run
    name: quick ? 'quick' : (only ?? 'latest'),
    seed: Number(seed),
    validation: isWanted('validation') ? validation : undefined,
    http: isWanted('http') ? http : undefined,
    hostile: isWanted('hostile'),
  };
}
