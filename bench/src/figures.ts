import type { PairedSeries, PairedSlice, Series, Slice } from './rounds.ts';

export interface Spread {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly mean: number;
}

/** The figures of one contender: a row of a table. */
export interface Figures {
  readonly name: string;
  /** The number of slices. */
  readonly slices: number;
  readonly cpuMicroseconds: Spread;
  readonly wallMicroseconds: Spread;
  /** Operations per second of wall time. */
  readonly perSecond: Spread;
  /** CPU time as a multiple of the baseline's in the same round. */
  readonly cpuRatio: Spread;
  /** CPU time beyond the baseline's in the same round, in microseconds. */
  readonly cpuAdded: Spread;
  /** Operations per second of wall time as a share of the baseline's in the same round. */
  readonly speedRatio: Spread;
}

/**
 * Summarises the rounds of each contender.
 *
 * @param baseline the name of the contender that all are compared with
 */
export function summarise(series: readonly Series[], baseline: string): Figures[] {
  const reference = series.find(({ name }) => name === baseline);
  if (!reference) throw new Error(`no contender is named ${baseline}`);
  return series.map(({ name, slices }) => figuresOf(name, slices, reference.slices));
}

/** Summarises the rounds of each contender. The baseline of a slice is the mean of those before and after it. */
export function summarisePaired(series: readonly PairedSeries[]): Figures[] {
  return series.map(({ name, slices }) =>
    figuresOf(
      name,
      slices.map(({ slice }) => slice),
      slices.map(({ before, after }) => meanOf(before, after)),
    ),
  );
}

/** How much longer than in the fastest tenth of its slices the baseline may take if nothing disturbs it. */
const UNDISTURBED = 1.1;

/**
 * Leaves only the slices before and after which the baseline was about as fast as it ever is. At other times, something else used the processor, its caches or the
 * memory. On a virtual machine that is mostly a neighbour, which the machine's own load does not show. What the contenders themselves took plays no part.
 */
export function withoutDisturbed(series: readonly PairedSeries[]): PairedSeries[] {
  const times = series.flatMap(({ slices }) => slices.map(({ before }) => before.cpuMicroseconds)).sort((a, b) => a - b);
  const limit = UNDISTURBED * quantile(times, 0.1);
  const isUndisturbed = ({ before, after }: PairedSlice) => Math.max(before.cpuMicroseconds, after.cpuMicroseconds) <= limit;
  return series.map(({ name, slices }) => ({ name, slices: slices.filter(isUndisturbed) }));
}

function meanOf(a: Slice, b: Slice): Slice {
  return { cpuMicroseconds: (a.cpuMicroseconds + b.cpuMicroseconds) / 2, wallMicroseconds: (a.wallMicroseconds + b.wallMicroseconds) / 2 };
}

/** @param references the slice of the baseline that each slice is compared with */
function figuresOf(name: string, slices: readonly Slice[], references: readonly Slice[]): Figures {
  const compared = (compare: (slice: Slice, reference: Slice) => number) =>
    spreadOf(
      slices.map((slice, round) => {
        const reference = references[round];
        if (!reference) throw new Error(`${name} has a slice in round ${round}, and the baseline has none`);
        return compare(slice, reference);
      }),
    );
  return {
    name,
    slices: slices.length,
    cpuMicroseconds: spreadOf(slices.map(({ cpuMicroseconds }) => cpuMicroseconds)),
    wallMicroseconds: spreadOf(slices.map(({ wallMicroseconds }) => wallMicroseconds)),
    perSecond: spreadOf(slices.map(({ wallMicroseconds }) => 1e6 / wallMicroseconds)),
    cpuRatio: compared((slice, reference) => slice.cpuMicroseconds / reference.cpuMicroseconds),
    cpuAdded: compared((slice, reference) => slice.cpuMicroseconds - reference.cpuMicroseconds),
    speedRatio: compared((slice, reference) => reference.wallMicroseconds / slice.wallMicroseconds),
  };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  };
}

/** Interpolates between two values. */
export function quantile(sorted: readonly number[], part: number): number {
  const position = (sorted.length - 1) * part;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}
