import { expect, test } from 'vitest';
import { createDenial } from '../decision/denial.js';
import { answerOf } from './refusals.js';

const denial = createDenial({ realm: 'api' })('expired');

test.each<[string, () => unknown, boolean]>([
  ['returns the refusal', () => denial, true],
  ['resolves to the refusal', async () => denial, true],
  ['returns nothing', () => undefined, false],
  ['resolves to another value', async () => 'answered', false],
])('the guard answers only if onDenied gives back the refusal: onDenied %s', async (_name, onDenied, isLeft) => {
  expect(await answerOf(onDenied, denial)).toBe(isLeft ? denial : undefined);
});

test('passes the arguments of the framework to onDenied, and rejects with an Error if onDenied throws', async () => {
  const error = new Error('theirs');
  await expect(answerOf((_decision, context: string) => Promise.reject(context === 'ctx' ? error : new Error('another')), denial, 'ctx')).rejects.toBe(error);
  const throwing = () => {
    // eslint-disable-next-line typescript/only-throw-error
    throw undefined;
  };
  await expect(answerOf(throwing, denial)).rejects.toThrow('onDenied threw a value that is not an Error');
});
