import type { Series, Slice } from './rounds.ts';

export interface Spread {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly mean: number;
}

/** The figures of one contender: a row of a table. */
export interface Figures {
  readonly name: string;
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
  return series.map(({ name, slices }) => ({
    name,
    cpuMicroseconds: spreadOf(slices.map((slice) => slice.cpuMicroseconds)),
    wallMicroseconds: spreadOf(slices.map((slice) => slice.wallMicroseconds)),
    perSecond: spreadOf(slices.map((slice) => 1e6 / slice.wallMicroseconds)),
    cpuRatio: spreadOf(slices.map((slice, round) => slice.cpuMicroseconds / sliceOf(reference, round).cpuMicroseconds)),
    cpuAdded: spreadOf(slices.map((slice, round) => slice.cpuMicroseconds - sliceOf(reference, round).cpuMicroseconds)),
    speedRatio: spreadOf(slices.map((slice, round) => sliceOf(reference, round).wallMicroseconds / slice.wallMicroseconds)),
  }));
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

function sliceOf(series: Series, round: number): Slice {
  const slice = series.slices[round];
  if (!slice) throw new Error(`${series.name} has no slice in round ${round}`);
  return slice;
}
