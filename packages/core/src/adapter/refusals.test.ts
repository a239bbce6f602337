import { expect, test } from 'vitest';
import type { Deny } from '../decision/decision.js';
import { addHeaders, createDenial } from '../decision/denial.js';
import { answerOf, withoutCookies } from './refusals.js';

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

test('onDenied does not see the cookies of a session, and the guard sends them if onDenied gives back what it saw', async () => {
  const cookies = ['__Host-session=1', 'other=2'];
  const withCookies = addHeaders(denial, { ...denial.headers, 'set-cookie': cookies });
  const seen: Deny[] = [];
  const onDenied = (decision: Deny): Deny => {
    seen.push(decision);
    return decision;
  };
  expect(await answerOf(onDenied, withCookies)).toBe(withCookies);
  expect(seen[0]!.headers).toEqual(denial.headers);
  expect(seen[0]).toMatchObject({ outcome: 'deny', status: 401, reason: 'expired', body: denial.body });
  expect(seen[0]!.explain()).toEqual(withCookies.explain());
  expect(Object.isFrozen(seen[0]!.headers)).toBe(true);
  expect(withoutCookies(denial)).toBe(denial);
});
