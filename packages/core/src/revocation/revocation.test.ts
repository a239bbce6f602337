import { describe, expect, test } from 'vitest';
import { readRevocation, recordsOf, type RevocationOptions, type RevocationTarget } from './revocation.js';

const NOW = 1_900_000_000.7;
const ISSUER = 'https://a.test';
const RULES = { retentionSeconds: 3600, clockSkewSeconds: 5 };

function records(target: RevocationTarget, options: RevocationOptions = {}, issuer: string | undefined = ISSUER) {
  const revocation = readRevocation(target, options, issuer, NOW);
  return recordsOf(revocation, { issuer: revocation.issuer, clockSkewSeconds: 30 }, RULES, NOW);
}

describe('rule 113: issuedUntil, the latest iat that a revocation covers', () => {
  test('issuedUntil is now plus the clock skew, because the clock of the issuer may be ahead', () => {
    expect(records({ subject: 's' })[0]).toMatchObject({ issuedUntil: 1_900_000_005, until: 1_900_003_635, isFinal: false });
  });

  test('issuedUntil is the option at, rounded down to a whole second', () => {
    expect(records({ subject: 's' }, { at: 1_899_999_000.9 })[0]).toMatchObject({ issuedUntil: 1_899_999_000, until: 1_900_003_630 });
  });

  test('issuedUntil is at most the latest iat that is accepted now, which may be in the future', () => {
    expect(records({ subject: 's' }, { at: 1_999_999_999 })[0]).toMatchObject({ issuedUntil: 1_900_000_030 });
    expect(records({ subject: 's' }, { at: 1_900_000_020 })[0]).toMatchObject({ issuedUntil: 1_900_000_020 });
  });

  test('issuedUntil is the latest iat that is accepted now if the target is a tokenId', () => {
    for (const at of [undefined, 1_899_000_000]) expect(records({ tokenId: 't' }, { at })[0]).toMatchObject({ issuedUntil: 1_900_000_030 });
  });

  test('a revocation with the option until is final, and lasts at least until now plus the clock skew', () => {
    expect(records({ tokenId: 't' }, { until: 1_900_000_100 })[0]).toMatchObject({ until: 1_900_000_130, isFinal: true });
    // the token may still be accepted within the clock skew, or a clock may be behind
    for (const until of [1_900_000_000, 1_899_999_999, 1_899_999_700]) expect(records({ tokenId: 't' }, { until })[0]).toMatchObject({ until: 1_900_000_031 });
    // the last date there is: stores refuse a later one
    expect(records({ tokenId: 't' }, { until: 253_402_300_799 })[0]).toMatchObject({ until: 253_402_300_799 });
  });
});

test('a target is one token, session, subject, client or issuer, or a session and its subject', () => {
  expect(records({ tokenId: 't' }).map(({ kind, value }) => [kind, value])).toEqual([['token', 't']]);
  expect(records({ sessionId: 's' }).map(({ kind, value }) => [kind, value])).toEqual([['session', 's']]);
  expect(records({ sessionId: 's', subject: 'u' }).map(({ kind, value }) => [kind, value])).toEqual([
    ['session', 's'],
    ['sessionless', 'u'],
  ]);
  expect(records({ subject: 'u' }).map(({ kind, value }) => [kind, value])).toEqual([['subject', 'u']]);
  expect(records({ clientId: 'c' }).map(({ kind, value }) => [kind, value])).toEqual([['client', 'c']]);
  expect(records({ issuer: 'https://b.test' }).map(({ kind, value, issuer }) => [kind, value, issuer])).toEqual([['issuer', '', 'https://b.test']]);
  expect(records({ subject: 'u', issuer: 'https://b.test' })[0]).toMatchObject({ kind: 'subject', issuer: 'https://b.test' });
});

const WRONG: readonly (readonly [unknown, unknown, RegExp])[] = [
  [undefined, {}, /target must be an object .*\(got undefined\)/],
  [null, {}, /target must be an object .*\(got null\)/],
  ['session-1', {}, /target must be an object such as .*\(got a string of 9 characters\)/],
  [{}, {}, /names nothing to revoke. Set one of tokenId, sessionId, subject, clientId, issuer/],
  [{ subject: undefined }, {}, /subject is undefined/],
  [{ sessionId: undefined, issuer: ISSUER }, {}, /sessionId is undefined/],
  [{ tokenId: undefined, issuer: ISSUER }, {}, /tokenId is undefined/],
  [{ clientId: undefined, issuer: ISSUER }, {}, /clientId is undefined/],
  [{ sessionId: undefined, subject: 'x' }, {}, /sessionId is undefined/],
  [{ issuer: undefined }, {}, /names nothing/],
  [{ sub: 'x' }, {}, /has the unknown member sub\. Known members: /],
  [{ subject: '' }, {}, /subject must be a non-empty string of at most 2048 characters \(got ""\)/],
  [{ subject: 7 }, {}, /subject must be .* \(got a number\)/],
  [{ subject: ['x'] }, {}, /subject must be .* \(got a list\)/],
  [{ subject: 'x'.repeat(2049) }, {}, /of at most 2048 characters/],
  [{ subject: 'x', tokenId: 'y' }, {}, /cannot combine tokenId and subject. Set only one of them/],
  [{ sessionId: 'x', subject: 'y', clientId: 'z' }, {}, /cannot combine sessionId and subject and clientId/],
  [{ subject: 'x' }, { reason: 'because' }, /reason must be one of unspecified, logout.* \(got a string of 7 characters\)/],
  [{ subject: 'x' }, { until: 1_899_996_400 }, /until must be .* \(got 1899996400, which is long past\)/],
  [{ subject: 'x' }, { until: Number.NaN }, /until must be a number of seconds since the epoch \(got NaN\)/],
  [{ subject: 'x' }, { until: Infinity }, /until must be .* \(got Infinity\)/],
  [{ subject: 'x' }, { until: Date.now() * 1000 }, /until must be a number of seconds since the epoch/],
  [{ subject: 'x' }, { at: '1900000000' }, /at must be .* \(got a string of 10 characters\)/],
  [{ subject: 'x' }, { at: -1 }, /at must be .* \(got -1\)/],
  [{ subject: 'x' }, { ttl: 60 }, /has the unknown option ttl\. Known options: reason, until, at/],
];

test.each(WRONG)('throws for the invalid arguments %j and %j', (target, options, message) => {
  expect(() => records(target as RevocationTarget, options as RevocationOptions)).toThrow(message);
});

test('throws if a guard with several issuers gets no issuer, and the message does not show the target', () => {
  const call = () => readRevocation({ subject: 'PLANTED' }, {}, undefined, NOW);
  expect(call).toThrow(/names no issuer, but this guard has several/);
  expect(call).not.toThrow(/PLANTED/);
  expect(() => records({ subject: 'PLANTED', tokenId: 'PLANTED' } as never)).not.toThrow(/PLANTED/);
});
