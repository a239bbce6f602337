import { shuffled, type Random } from './random.ts';

/** Something that is measured, one slice of work at a time. */
export interface Contender {
  readonly name: string;
  runSlice(): Promise<Slice>;
}

/** The time per operation in one slice. */
export interface Slice {
  /** User and system time of the whole process, its threads included. */
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
}

export interface Rounds {
  /** Rounds that run first and do not count, while code is compiled and caches fill. */
  readonly warmUp: number;
  readonly measured: number;
}

/** A contender's slices, one per round. */
export interface Series {
  readonly name: string;
  readonly slices: readonly Slice[];
}

/**
 * A slice of a contender, and those of the baseline right before and after it. On a virtual machine, a neighbour on the same core comes and goes within
 * milliseconds, so slices of one round may not compare. A slice and its neighbours do.
 */
export interface PairedSlice {
  readonly slice: Slice;
  readonly before: Slice;
  readonly after: Slice;
}

/** A contender's paired slices of all rounds. */
export interface PairedSeries {
  readonly name: string;
  readonly slices: readonly PairedSlice[];
}

/**
 * Runs the contenders in turns, one slice each per round, in another order each round. Whatever else the machine does hits all of them alike, so the
 * slices of one round can be compared.
 */
export async function runInterleaved(contenders: readonly Contender[], rounds: Rounds, random: Random): Promise<Series[]> {
  return inTurns(contenders, rounds, random, async (contender) => [await contender.runSlice()]);
}

/** Something that is measured beside the baseline. */
export interface PairedContender {
  readonly name: string;
  /** Runs a few slices, each with the baseline before and after it. */
  runTurn(): Promise<readonly PairedSlice[]>;
}

/** Runs the contenders in turns, one turn each per round, in another order each round. */
export async function runPaired(contenders: readonly PairedContender[], rounds: Rounds, random: Random): Promise<PairedSeries[]> {
  return inTurns(contenders, rounds, random, (contender) => contender.runTurn());
}

async function inTurns<C extends { readonly name: string }, S>(
  contenders: readonly C[],
  rounds: Rounds,
  random: Random,
  turnOf: (contender: C) => Promise<readonly S[]>,
): Promise<{ readonly name: string; readonly slices: S[] }[]> {
  const series = contenders.map(({ name }) => ({ name, slices: [] as S[] }));
  for (let round = -rounds.warmUp; round < rounds.measured; round++) {
    for (const index of shuffled([...contenders.keys()], random)) {
      const slices = await turnOf(contenders[index]!);
      if (round >= 0) series[index]!.slices.push(...slices);
    }
  }
  return series;
}
