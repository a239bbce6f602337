import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isProvable, readConfirmation } from './confirmation.js';

const NONE = { dpop: false, mtls: false };
const DPOP = { dpop: true, mtls: false };
const MTLS = { dpop: false, mtls: true };
const BOTH = { dpop: true, mtls: true };
const digest = createHash('sha256').update('key').digest('base64url');

test('rule 88: a token without cnf is bound to nothing', () => {
  expect(readConfirmation(undefined)).toBeUndefined();
  expect(isProvable(undefined, NONE)).toBe(true);
});

test.each([
  [{ jkt: digest }, { jkt: digest, certificate: undefined }, [DPOP, BOTH]],
  [{ 'x5t#S256': digest }, { jkt: undefined, certificate: digest }, [MTLS, BOTH]],
  [{ jkt: digest, 'x5t#S256': digest }, { jkt: digest, certificate: digest }, [BOTH]],
])('rules 87 and 92: reads the cnf %j, which is provable if its proofs are checked', (cnf, read, provableBy) => {
  const confirmation = readConfirmation(cnf);
  expect(confirmation).toStrictEqual({ ...read, unprovable: undefined, kept: {} });
  for (const proofs of [NONE, DPOP, MTLS, BOTH]) expect(isProvable(confirmation, proofs)).toBe(provableBy.includes(proofs));
  expect(Object.isFrozen(confirmation)).toBe(true);
});

describe('rule 88: no proof satisfies another cnf', () => {
  test.each<[unknown, RegExp]>([
    ['', /not an object/],
    [0, /not an object/],
    [false, /not an object/],
    [null, /not an object/],
    [[], /not an object/],
    [[{ jkt: digest }], /not an object/],
    [{}, /empty/],
    [{ jwk: {} }, /other than/],
    [{ kid: 'k' }, /other than/],
    [{ jku: 'https://client.example.test/keys', jkt: digest }, /other than/],
    [{ jkt: digest, 'x5t#S256': digest, unknown: null }, /other than/],
    [{ JKT: digest }, /other than/],
    [{ 'x5t#s256': digest }, /other than/],
    [{ jkt: null }, /jkt that is not/],
    [{ jkt: '' }, /jkt that is not/],
    [{ jkt: 1 }, /jkt that is not/],
    [{ jkt: [digest] }, /jkt that is not/],
    [{ jkt: `${digest}=` }, /jkt that is not/],
    [{ jkt: digest.slice(1) }, /jkt that is not/],
    [{ jkt: `${digest}\n` }, /jkt that is not/],
    [{ jkt: digest, 'x5t#S256': '' }, /x5t#S256 that is not/],
    [{ 'x5t#S256': createHash('sha1').update('key').digest('base64url') }, /x5t#S256 that is not/],
  ])('%j', (cnf, cause) => {
    const confirmation = readConfirmation(cnf);
    expect(confirmation?.unprovable).toMatch(cause);
    expect([confirmation?.jkt, confirmation?.certificate]).toEqual([undefined, undefined]);
    expect(isProvable(confirmation, BOTH)).toBe(false);
  });
});

test('rule 13: reads only own members of cnf', () => {
  expect(readConfirmation(Object.create({ jkt: digest }))?.unprovable).toMatch(/empty/);
});
