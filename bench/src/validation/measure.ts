import { summarise, type Figures } from '../figures.ts';
import { collectYoungGarbage } from '../garbage.ts';
import { createMeter } from '../meter.ts';
import type { Random } from '../random.ts';
import { runInterleaved, type Contender, type Rounds } from '../rounds.ts';
import type { Algorithm, Attempt, Presenter, TokenBytes, ValidationCandidate } from './candidate.ts';
import { candidates, floor } from './candidates/index.ts';
import { createTokenPool, type TokenPool } from './tokens.ts';

export interface ValidationPlan {
  readonly rounds: Rounds;
  /** Validations by each candidate in each round. */
  readonly sliceSize: number;
  /** Number of different tokens for candidates that need new ones. */
  readonly poolSize: number;
  /** Number of different tokens for candidates that know them. */
  readonly knownTokens: number;
}

export interface ValidationResult {
  readonly algorithm: Algorithm;
  readonly tokenBytes: number;
  readonly baseline: string;
  readonly figures: readonly Figures[];
}

export const ALGORITHMS: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA'];

/** Measures the CPU time of one validation by each candidate. Each must first accept and refuse what it should. */
export async function measureValidation(algorithm: Algorithm, plan: ValidationPlan, random: Random): Promise<ValidationResult> {
  const pool = await createTokenPool(algorithm, plan.poolSize);
  const contenders: Contender[] = [];
  for (const candidate of candidates) {
    const present = await candidate.prepare(pool.setting);
    await assertCorrect(candidate, present, pool);
    contenders.push(contenderOf(candidate, present, pool, plan));
  }
  const series = await runInterleaved(contenders, plan.rounds, random);
  return { algorithm, tokenBytes: pool.tokens[0]!.token.length, baseline: floor.name, figures: summarise(series, floor.name) };
}

async function assertCorrect({ name, examines }: ValidationCandidate, present: Presenter, { tokens, refused, setting }: TokenPool): Promise<void> {
  const failed = (what: string) => new Error(`${name} ${what} (${setting.algorithm}), so it cannot be measured`);
  for (const token of tokens.slice(0, 3)) if (!(await accepts(present(token)))) throw failed('refuses a valid token');
  const wrong = { nothing: [], signature: refused.signature, claims: [...refused.signature, ...refused.claims] };
  for (const token of wrong[examines]) {
    if (await accepts(present(token))) throw failed('accepts an invalid token');
  }
}

async function accepts(attempt: Attempt): Promise<boolean> {
  try {
    return (await attempt()) !== false;
  } catch {
    return false;
  }
}

function contenderOf({ name, inFlight, tokens }: ValidationCandidate, present: Presenter, pool: TokenPool, plan: ValidationPlan): Contender {
  const supply = tokens === 'known' ? pool.tokens.slice(0, plan.knownTokens) : pool.tokens;
  let at = 0;
  function nextToken(): TokenBytes {
    at = (at + 1) % supply.length;
    return supply[at]!;
  }
  return {
    name,
    async runSlice() {
      // the garbage of the others is not this candidate's cost
      collectYoungGarbage();
      const meter = createMeter();
      for (let left = plan.sliceSize; left > 0; left -= BATCH_SIZE) {
        const attempts = Array.from({ length: Math.min(left, BATCH_SIZE) }, () => present(nextToken()));
        meter.start();
        await Promise.all(Array.from({ length: inFlight }, () => workThrough(attempts)));
        meter.stop();
      }
      meter.start();
      collectYoungGarbage();
      meter.stop();
      return meter.per(plan.sliceSize);
    },
  };
}

/** Few enough tokens that they are still in the processor's caches when their turn comes, as those of a request just read are. */
const BATCH_SIZE = 256;

/** Takes one attempt after another. Several workers may share the attempts. */
async function workThrough(attempts: Attempt[]): Promise<void> {
  for (let attempt = attempts.pop(); attempt; attempt = attempts.pop()) {
    const answer = attempt();
    if ((answer instanceof Promise ? await answer : answer) === false) throw new Error('a valid token was refused while measuring');
  }
}
