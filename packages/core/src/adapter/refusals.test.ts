import { expect, test } from 'vitest';
import { createDenial } from '../decision/denial.js';
import { answerOf } from './refusals.js';

const denial = createDenial({ realm: 'api' })('expired');

test.each<[string, () => unknown, boolean]>([
  ['gives the refusal back', () => denial, true],
  ['gives it back later', async () => denial, true],
  ['answers itself', () => undefined, false],
  ['answers itself later', async () => 'answered', false],
])('an onDenied that %s', async (_name, onDenied, isLeft) => {
  expect(await answerOf(onDenied, denial)).toBe(isLeft ? denial : undefined);
});

test('an onDenied is given what the framework has, and what it throws is an Error', async () => {
  const error = new Error('theirs');
  await expect(answerOf((_decision, context: string) => Promise.reject(context === 'ctx' ? error : new Error('another')), denial, 'ctx')).rejects.toBe(error);
  const throwing = () => {
    // eslint-disable-next-line typescript/only-throw-error
    throw undefined;
  };
  await expect(answerOf(throwing, denial)).rejects.toThrow('onDenied threw something that is no Error');
});
