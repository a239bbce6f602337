import { describe, expect, test } from 'vitest';
import { claimRules } from '../../test/claim-rules.js';
import { examineAnswer, isActive, type AnswerRules } from './introspection-answer.js';

const NOW = 1_900_000_000;
const ISSUER = 'https://login.example.com';
const GOOD = { active: true, iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 60, sub: 'alice' };
const STRICT: AnswerRules = { acceptsWithoutIssuer: false, acceptsWithoutAudience: false, acceptsWithoutExpiry: false };
const LENIENT: AnswerRules = { acceptsWithoutIssuer: true, acceptsWithoutAudience: true, acceptsWithoutExpiry: true };

function examine(answer: object, accepted = STRICT) {
  return examineAnswer({ ...GOOD, ...answer }, accepted, claimRules({ issuer: ISSUER, audiences: new Set(['api']) }), NOW, NOW + 30);
}

test.each<[object, boolean]>([
  [{ active: true }, true],
  [{ active: true, error: null }, true],
  [{ active: true, error: '' }, false],
  [{ active: 'true' }, false],
  [{ active: 1 }, false],
  [{}, false],
])('rule 72: %j is active: %s', (answer, expected) => {
  expect(isActive(answer as Record<string, unknown>)).toBe(expected);
});

describe('rule 73: the members of an answer are checked as claims', () => {
  test('and read without active', () => {
    expect(examine({})).toMatchObject({ subject: 'alice', audience: ['api'], expiresAt: NOW + 60 });
    const { claims } = examine({}) as { claims: object };
    expect([claims, Object.isFrozen(claims)]).toEqual([{ ...GOOD, active: undefined }, true]);
    expect(claims).not.toHaveProperty('active');
  });

  test.each<[string, object, object]>([
    ['no iss', { iss: undefined }, { reason: 'issuer_mismatch' }],
    ['no aud', { aud: undefined }, { reason: 'audience_mismatch' }],
    ['no exp', { exp: undefined }, { reason: 'missing_claim', cause: 'exp' }],
    ['another aud', { aud: 'other' }, { reason: 'audience_mismatch' }],
  ])('so that %s is refused', (_name, answer, failure) => {
    expect(examine(answer)).toMatchObject(failure);
  });

  test('but iss, aud and exp may be missing if the options say so', () => {
    for (const missing of [undefined, null]) {
      expect(examine({ iss: missing }, { ...STRICT, acceptsWithoutIssuer: true })).toMatchObject({ subject: 'alice', claims: { iss: ISSUER } });
      expect(examine({ exp: missing }, { ...STRICT, acceptsWithoutExpiry: true })).toMatchObject({ expiresAt: NOW + 30 });
    }
    for (const aud of [undefined, null, []]) {
      const read = examine({ aud, token_type: 'Bearer' }, { ...STRICT, acceptsWithoutAudience: true });
      expect(read).toMatchObject({ audience: [] });
      expect((read as { claims: object }).claims).not.toHaveProperty('aud');
    }
  });

  test('and what is there is checked all the same', () => {
    expect(examine({ iss: 'https://elsewhere.example.com' }, LENIENT)).toMatchObject({ reason: 'issuer_mismatch' });
    expect(examine({ exp: NOW - 60 }, LENIENT)).toMatchObject({ reason: 'expired' });
    for (const aud of ['other', ['other'], '', 7]) expect(examine({ aud }, LENIENT)).toMatchObject({ reason: 'audience_mismatch' });
  });
});

describe('rule 73: a token of another kind is refused', () => {
  const otherType = { reason: 'not_an_access_token', cause: 'token_type', expected: 'Bearer or DPoP', found: 'another token_type' };

  test.each(['bearer', 'Bearer', 'access_token', 'urn:ietf:params:oauth:token-type:access_token', undefined, null])('token_type %j is accepted', (type) => {
    expect(examine({ token_type: type })).toMatchObject({ subject: 'alice' });
  });

  test.each(['refresh_token', 'N_A', '', 7, ['bearer'], {}])('token_type %j', (type) => {
    expect(examine({ token_type: type })).toEqual(otherType);
  });

  test('an answer without aud needs a token_type', () => {
    for (const type of [undefined, null])
      expect(examine({ aud: undefined, token_type: type }, LENIENT)).toEqual({ reason: 'missing_claim', cause: 'token_type', expected: 'token_type' });
  });

  test.each(['refresh_token', 'id_token', 'nonce'])('purpose %s', (purpose) => {
    const failure = { reason: 'not_an_access_token', cause: 'purpose', expected: 'an access token', found: 'a token with another purpose' };
    expect(examine({ purpose })).toEqual(failure);
  });

  test.each(['access_token', 'anything', 7, ['id_token']])('but not the purpose %j', (purpose) => {
    expect(examine({ purpose })).toMatchObject({ subject: 'alice' });
  });

  test('a DPoP token without its key', () => {
    for (const type of ['DPoP', 'dpop']) {
      for (const cnf of [undefined, null]) expect(examine({ token_type: type, cnf })).toEqual({ reason: 'missing_claim', cause: 'cnf', expected: 'cnf' });
      expect(examine({ token_type: type, cnf: { jkt: 'x' } })).toMatchObject({ confirmation: { jkt: 'x' } });
    }
  });
});
