import { expect, test } from 'vitest';
import type { Issuer } from '../issuer/issuer.js';
import { checkBinding } from './confirmation.js';

const issuer = {} as Issuer;

test('rule 88: accepts a token without cnf', () => {
  expect(checkBinding(undefined, issuer)).toBeUndefined();
});

test.each([{ jkt: 'x' }, { 'x5t#S256': 'x' }, { unknown: 1 }, {}, '', 0, false, []])('rule 88: refuses a token with the cnf %j', (cnf) => {
  expect(checkBinding(cnf, issuer)).toStrictEqual({
    reason: 'unproven_confirmation',
    cause: 'cnf',
    expected: 'a token without cnf',
    found: cnf,
    issuer,
  });
});
