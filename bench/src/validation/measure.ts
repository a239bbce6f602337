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
  /** So many different tokens there are for those to whom tokens must be new. */
  readonly poolSize: number;
  /** So many for those to whom they are known. */
  readonly knownTokens: number;
}

export interface ValidationResult {
  readonly algorithm: Algorithm;
  readonly tokenBytes: number;
  readonly baseline: string;
  readonly figures: readonly Figures[];
}

export const ALGORITHMS: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA'];

/** CPU time of one validation by each candidate, each of which has shown before that it accepts and refuses what it should. */
export async function measureValidation(algorithm: Algorithm, plan: ValidationPlan, random: Random): Promise<ValidationResult> {
  const pool = await createTokenPool(algorithm, plan.poolSize);
  const contenders: Contender[] = [];
  for (const candidate of candidates) {
    const present = await candidate.prepare(pool.setting);
    await proveWorth(candidate, present, pool);
    contenders.push(contenderOf(candidate, present, pool, plan));
  }
  const series = await runInterleaved(contenders, plan.rounds, random);
  return { algorithm, tokenBytes: pool.tokens[0]!.token.length, baseline: floor.name, figures: summarise(series, floor.name) };
}

async function proveWorth({ name, examines }: ValidationCandidate, present: Presenter, { tokens, refused, setting }: TokenPool): Promise<void> {
  const complain = (what: string) => new Error(`${name} ${what} (${setting.algorithm}), so it can't be measured`);
  for (const token of tokens.slice(0, 3)) if (!(await accepts(present(token)))) throw complain('refuses a good token');
  for (const token of examines === 'claims' ? [...refused.signature, ...refused.claims] : refused.signature) {
    if (await accepts(present(token))) throw complain('accepts a bad token');
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
      // what others left behind is not for this one to clear away
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

/** So few tokens at once that the processor still has them at hand when their turn comes, as it has those of a request just read. */
const BATCH_SIZE = 256;

/** Several of these may share the attempts: each takes the next one when it is done with its last. */
async function workThrough(attempts: Attempt[]): Promise<void> {
  for (let attempt = attempts.pop(); attempt; attempt = attempts.pop()) {
    const answer = attempt();
    if ((answer instanceof Promise ? await answer : answer) === false) throw new Error('a good token was refused while measuring');
  }
}
