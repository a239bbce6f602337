import { expect, test } from 'vitest';
import { spreadOf, summarise } from './figures.ts';

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
