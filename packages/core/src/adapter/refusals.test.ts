import { expect, test } from 'vitest';
import { createDenial } from '../decision/denial.js';
import { answerOf } from './refusals.js';

const denial = createDenial({ realm: 'api' })('expired');

test.each<[string, () => unknown, boolean]>([
  ['returns the refusal', () => denial, true],
  ['returns it later', async () => denial, true],
  ['answers itself', () => undefined, false],
  ['answers itself later', async () => 'answered', false],
])('an onDenied that %s leaves the answer to the guard only if it returned the refusal', async (_name, onDenied, isLeft) => {
  expect(await answerOf(onDenied, denial)).toBe(isLeft ? denial : undefined);
});

test('passes onDenied what the framework passes to a handler, and throws its errors as an Error', async () => {
  const error = new Error('theirs');
  await expect(answerOf((_decision, context: string) => Promise.reject(context === 'ctx' ? error : new Error('another')), denial, 'ctx')).rejects.toBe(error);
  const throwing = () => {
    // eslint-disable-next-line typescript/only-throw-error
    throw undefined;
  };
  await expect(answerOf(throwing, denial)).rejects.toThrow('onDenied threw a value that is not an Error');
});
