import { expect, test } from 'vitest';
import { spreadOf, summarise, summarisePaired, withoutDisturbed } from './figures.ts';

const slices = (...cpu: number[]) => cpu.map((cpuMicroseconds) => ({ cpuMicroseconds, wallMicroseconds: 2 * cpuMicroseconds }));

test('interpolates the median and the quartiles between two values', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, lowerQuartile: 1.75, upperQuartile: 3.25, mean: 2.5 });
  expect(spreadOf([7])).toEqual({ median: 7, lowerQuartile: 7, upperQuartile: 7, mean: 7 });
});

test('compares a slice with the baseline of the same round, so that a slow round counts for both', () => {
  const [, other] = summarise(
    [
      { name: 'floor', slices: slices(10, 100, 10) },
      { name: 'other', slices: slices(20, 200, 30) },
    ],
    'floor',
  );
  expect(other!.cpuRatio.median).toBe(2);
  expect(other!.cpuAdded.median).toBe(20);
  expect(other!.speedRatio.median).toBe(0.5);
  expect(other!.cpuMicroseconds.median).toBe(30);
  expect(other!.perSecond.median).toBeCloseTo(1e6 / 60);
});

test('refuses a baseline that is not a contender', () => {
  expect(() => summarise([{ name: 'other', slices: slices(1) }], 'floor')).toThrow('no contender is named floor');
});

const paired = (...cpu: [before: number, slice: number, after: number][]) =>
  cpu.map((times) => {
    const [before, slice, after] = slices(...times);
    return { before: before!, slice: slice!, after: after! };
  });

test('compares a slice with the mean of the baseline before and after it', () => {
  const [other] = summarisePaired([{ name: 'other', slices: paired([10, 15, 20], [100, 150, 200]) }]);
  expect(other!.cpuRatio.median).toBe(1);
  expect(other!.cpuAdded.median).toBe(0);
  expect(other!.slices).toBe(2);
});

test('leaves out a slice if the baseline was slow before or after it, however fast the slice was', () => {
  const [left] = withoutDisturbed([{ name: 'other', slices: paired([10, 30, 10.5], [10.5, 1, 14], [14, 1, 10], [10, 99, 10.9], [10.9, 2, 11.5]) }]);
  expect(left!.slices.map(({ slice }) => slice.cpuMicroseconds)).toEqual([30, 99]);
});
