import { shuffled, type Random } from './random.ts';

/** Something that is measured: a slice of its work at a time. */
export interface Contender {
  readonly name: string;
  runSlice(): Promise<Slice>;
}

/** What one slice took, per operation. */
export interface Slice {
  /** User and system time of the whole process, its threads included. */
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
}

export interface Rounds {
  /** Run first and not counted: compilers and caches warm up. */
  readonly warmUp: number;
  readonly measured: number;
}

/** A contender's slices, one a round. */
export interface Series {
  readonly name: string;
  readonly slices: readonly Slice[];
}

/**
 * Lets the contenders work in turns, each for one slice a round, in another order each round: what the machine does meanwhile meets them
 * all alike, and slices of one round can be held against each other.
 */
export async function runInterleaved(contenders: readonly Contender[], rounds: Rounds, random: Random): Promise<Series[]> {
  const series = contenders.map(({ name }) => ({ name, slices: [] as Slice[] }));
  for (let round = -rounds.warmUp; round < rounds.measured; round++) {
    for (const index of shuffled([...contenders.keys()], random)) {
      const slice = await contenders[index]!.runSlice();
      if (round >= 0) series[index]!.slices.push(slice);
    }
  }
  return series;
}
