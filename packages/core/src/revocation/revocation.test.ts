import { describe, expect, test } from 'vitest';
import { readRevocation, recordsOf, type RevocationOptions, type RevocationTarget } from './revocation.js';

const NOW = 1_900_000_000.7;
const ISSUER = 'https://a.test';
const RULES = { retentionSeconds: 3600, clockSkewSeconds: 5 };

function records(target: RevocationTarget, options: RevocationOptions = {}, issuer: string | undefined = ISSUER) {
  const revocation = readRevocation(target, options, issuer, NOW);
  return recordsOf(revocation, { issuer: revocation.issuer, clockSkewSeconds: 30 }, RULES, NOW);
}

describe('rule 113: the second until which tokens are hit', () => {
  test('is this one and the skew, since the issuer may be ahead', () => {
    expect(records({ subject: 's' })[0]).toMatchObject({ issuedUntil: 1_900_000_005, until: 1_900_003_635, isFinal: false });
  });

  test('is the one that the issuer tells, where it does', () => {
    expect(records({ subject: 's' }, { at: 1_899_999_000.9 })[0]).toMatchObject({ issuedUntil: 1_899_999_000, until: 1_900_003_630 });
  });

  test('is no later than what is accepted now, whatever is told, and no earlier where the issuer is ahead', () => {
    expect(records({ subject: 's' }, { at: 1_999_999_999 })[0]).toMatchObject({ issuedUntil: 1_900_000_030 });
    expect(records({ subject: 's' }, { at: 1_900_000_020 })[0]).toMatchObject({ issuedUntil: 1_900_000_020 });
  });

  test('of a token by its own name is the latest that any may have, whatever is told', () => {
    for (const at of [undefined, 1_899_000_000]) expect(records({ tokenId: 't' }, { at })[0]).toMatchObject({ issuedUntil: 1_900_000_030 });
  });

  test('one that says when its tokens end is final', () => {
    expect(records({ tokenId: 't' }, { until: 1_900_000_100 })[0]).toMatchObject({ until: 1_900_000_130, isFinal: true });
    // the token may be within its skew, or a clock may be behind
    for (const until of [1_900_000_000, 1_899_999_999, 1_899_999_700]) expect(records({ tokenId: 't' }, { until })[0]).toMatchObject({ until: 1_900_000_031 });
  });
});

test('a target names one thing, and a session may name its subject', () => {
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
  [undefined, {}, /is undefined: an object is needed/],
  [null, {}, /is null: an object is needed/],
  ['session-1', {}, /an object is needed, such as/],
  [{}, {}, /names nothing: one of tokenId, sessionId, subject, clientId, issuer is needed/],
  [{ subject: undefined }, {}, /subject is undefined/],
  [{ sessionId: undefined, issuer: ISSUER }, {}, /sessionId is undefined/],
  [{ tokenId: undefined, issuer: ISSUER }, {}, /tokenId is undefined/],
  [{ clientId: undefined, issuer: ISSUER }, {}, /clientId is undefined/],
  [{ sessionId: undefined, subject: 'x' }, {}, /sessionId is undefined/],
  [{ issuer: undefined }, {}, /names nothing/],
  [{ sub: 'x' }, {}, /has the member sub; these are known/],
  [{ subject: '' }, {}, /subject is a string: a string that is not empty/],
  [{ subject: 7 }, {}, /subject is a number/],
  [{ subject: ['x'] }, {}, /subject is a object/],
  [{ subject: 'x'.repeat(2049) }, {}, /of 2048 characters at the most/],
  [{ subject: 'x', tokenId: 'y' }, {}, /names tokenId and subject: one of them is needed/],
  [{ sessionId: 'x', subject: 'y', clientId: 'z' }, {}, /names sessionId and subject and clientId/],
  [{ subject: 'x' }, { reason: 'because' }, /reason is a string of 7 characters: one of unspecified, logout/],
  [{ subject: 'x' }, { until: 1_899_996_400 }, /until is 1899996400, which is long past/],
  [{ subject: 'x' }, { until: Number.NaN }, /until is NaN: a number of seconds since the epoch/],
  [{ subject: 'x' }, { until: Infinity }, /until is Infinity/],
  [{ subject: 'x' }, { until: Date.now() * 1000 }, /a number of seconds since the epoch is needed/],
  [{ subject: 'x' }, { at: '1900000000' }, /at is a string of 10 characters/],
  [{ subject: 'x' }, { at: -1 }, /at is -1/],
  [{ subject: 'x' }, { ttl: 60 }, /has the option ttl; these are known: reason, until, at/],
];

test.each(WRONG)('a call that can not be right is told: %j, %j', (target, options, message) => {
  expect(() => records(target as RevocationTarget, options as RevocationOptions)).toThrow(message);
});

test('of several issuers one must be named, and no name is shown', () => {
  const call = () => readRevocation({ subject: 'PLANTED' }, {}, undefined, NOW);
  expect(call).toThrow(/names no issuer: this guard has several/);
  expect(call).not.toThrow(/PLANTED/);
  expect(() => records({ subject: 'PLANTED', tokenId: 'PLANTED' } as never)).not.toThrow(/PLANTED/);
});
