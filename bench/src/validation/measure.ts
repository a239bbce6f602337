import { summarisePaired, withoutDisturbed, type Figures } from '../figures.ts';
import type { Random } from '../random.ts';
import { runPaired, type PairedSeries, type Rounds } from '../rounds.ts';
import type { Algorithm, ValidationCandidate } from './candidate.ts';
import { candidates, floor } from './candidates/index.ts';
import { startContender, type RunningContender } from './contender.ts';
import { createTokenPool, type TokenPool } from './tokens.ts';

export interface ValidationPlan {
  readonly rounds: Rounds;
  /** Validations of new tokens in a slice. The floor's slices are as long. */
  readonly sliceSize: number;
  /** Validations of known tokens in a slice. They are short. */
  readonly knownSliceSize: number;
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
  /** The same, without the slices that something disturbed, and without the candidates of which too few are left. */
  readonly undisturbed: readonly Figures[];
}

/** Fewer slices have no quartiles worth a row. */
export const FEWEST_SLICES = 10;

export const ALGORITHMS: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA'];

/** Measures the CPU time of one validation by each candidate, each in a process of its own. */
export async function measureValidation(algorithm: Algorithm, plan: ValidationPlan, random: Random): Promise<ValidationResult> {
  const pool = await createTokenPool(algorithm, plan.poolSize);
  const contenders: RunningContender[] = [];
  try {
    for (const candidate of candidates) contenders.push(await startContender(candidate, shareOf(candidate, pool, plan)));
    return resultOf(algorithm, pool, await runPaired(contenders, plan.rounds, random));
  } finally {
    for (const contender of contenders) contender.stop();
  }
}

function shareOf({ tokens }: ValidationCandidate, pool: TokenPool, { sliceSize, knownSliceSize, knownTokens }: ValidationPlan) {
  const share = { pool, floorSliceSize: sliceSize };
  return tokens === 'known' ? { ...share, sliceSize: knownSliceSize, tokens: knownTokens } : { ...share, sliceSize, tokens: pool.tokens.length };
}

function resultOf(algorithm: Algorithm, { tokens }: TokenPool, series: readonly PairedSeries[]): ValidationResult {
  return {
    algorithm,
    tokenBytes: tokens[0]!.token.length,
    baseline: floor.name,
    figures: summarisePaired(series),
    undisturbed: summarisePaired(withoutDisturbed(series).filter(({ slices }) => slices.length >= FEWEST_SLICES)),
  };
}
