import { describe, expect, test } from 'vitest';
import { counts, VerifiedAuth } from './verified-auth.js';
import { buildAuth } from './build-auth.js';
import { isFault, type ClaimFault } from './claim-fault.js';
import { examineClaims, isAccessTokenType } from './claims.js';
import { acceptedUntil, examineTime } from './token-time.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import type { JsonObject } from '../lib/json.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';
const GOOD: JsonObject = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 300, sub: 'alice' };
const RULES = claimRules({ issuer: ISSUER, audiences: new Set(['api', 'other-api']) });

describe('rule 35: types', () => {
  test.each<[string | undefined, boolean, boolean]>([
    [undefined, true, false],
    ['at+jwt', true, true],
    ['AT+JWT', true, true],
    ['application/at+jwt', true, true],
    ['Application/AT+jwt', true, true],
    ['JWT', true, false],
    ['jwt', true, false],
    ['application/jwt', true, false],
    ['', false, false],
    ['id+jwt', false, false],
    ['logout+jwt', false, false],
    ['at+jwt ', false, false],
    ['text/at+jwt', false, false],
    ['x-application/jwt', false, false],
    ['application/application/jwt', false, false],
    ['jwt/application/', false, false],
    ['japplication/wt', false, false],
    ['application/', false, false],
    ['JOSE', false, false],
  ])('%j: %s, by the profile of RFC 9068 %s', (type, accepted, byProfile) => {
    expect(isAccessTokenType(type, undefined)).toBe(accepted);
    expect(isAccessTokenType(type, 'rfc9068')).toBe(byProfile);
  });
});

describe('what is wrong is told by its reason and the name of the claim', () => {
  test.each<[string, JsonObject, string, string, Partial<ClaimRules>?]>([
    ['rule 38: no issuer', { iss: undefined }, 'issuer_mismatch', 'iss'],
    ['rule 38: an issuer that begins alike', { iss: `${ISSUER}/` }, 'issuer_mismatch', 'iss'],
    ['rule 37: a use of typ', { typ: 'ID' }, 'not_an_access_token', 'typ'],
    ['rule 37: another use of typ', { typ: 'Refresh' }, 'not_an_access_token', 'typ'],
    ['rule 37: yet another use of typ', { typ: 'offline' }, 'not_an_access_token', 'typ'],
    ['rule 37: the last use of typ', { typ: 'Logout' }, 'not_an_access_token', 'typ'],
    ['rule 37: a use of token_use', { token_use: 'id' }, 'not_an_access_token', 'token_use'],
    ['rule 37: a client assertion', { sub: ISSUER }, 'not_an_access_token', 'sub'],
    ['rule 40: no audience', { aud: undefined }, 'audience_mismatch', 'aud'],
    ['rule 40: an empty one', { aud: '' }, 'audience_mismatch', 'aud', { audiences: new Set(['']) }],
    ['rule 40: an empty list', { aud: [] }, 'audience_mismatch', 'aud'],
    ['rule 40: a list with something else in it', { aud: ['api', 1] }, 'audience_mismatch', 'aud'],
    ['rule 40: an object', { aud: { 0: 'api', length: 1 } }, 'audience_mismatch', 'aud'],
    ['rule 40: another', { aud: ['API', 'ap', 'api '] }, 'audience_mismatch', 'aud'],
    ['rule 41: a malformed one where any will do', { aud: [1] }, 'invalid_claim', 'aud', { audiences: undefined }],
    ['rule 41: an empty list where any will do', { aud: [] }, 'invalid_claim', 'aud', { audiences: undefined }],
    ['rule 42: no exp', { exp: undefined }, 'missing_claim', 'exp'],
    ['rule 42: no iat', { iat: undefined }, 'missing_claim', 'iat'],
    ['rule 42: exp as a string', { exp: String(NOW + 300) }, 'invalid_claim', 'exp'],
    ['rule 168: exp null', { exp: null }, 'missing_claim', 'exp'],
    ['rule 168: iat null', { iat: null }, 'missing_claim', 'iat'],
    ['rule 168: aud null', { aud: null }, 'audience_mismatch', 'aud'],
    ['rule 168: iss null', { iss: null }, 'issuer_mismatch', 'iss'],
    ['rule 42: iat as a string', { iat: String(NOW) }, 'invalid_claim', 'iat'],
    ['rule 42: iat negative', { iat: -1 }, 'invalid_claim', 'iat'],
    ['rule 42: nbf as a string', { nbf: String(NOW) }, 'invalid_claim', 'nbf'],
    ['rule 43: exp a second behind the year 9999', { exp: 253_402_300_800 }, 'invalid_claim', 'exp'],
    ['rule 42: exp infinite', { exp: Infinity }, 'invalid_claim', 'exp'],
    ['rule 44: expired', { exp: NOW - 30 }, 'expired', 'exp'],
    ['rule 46: a lifetime a second too long', { exp: NOW + 301 }, 'lifetime_too_long', 'exp', { maxTokenLifetimeSeconds: 300 }],
    ['rule 48: sub empty', { sub: '' }, 'invalid_claim', 'sub'],
    ['rule 48: sub a number', { sub: 7 }, 'invalid_claim', 'sub'],
    ['jti empty', { jti: '' }, 'invalid_claim', 'jti'],
    ['rule 47: client_id a list', { client_id: ['web'] }, 'invalid_claim', 'client_id'],
    ['rule 47: azp empty', { azp: '' }, 'invalid_claim', 'azp'],
    ['act a string', { act: 'service' }, 'invalid_claim', 'act'],
    ['act a list', { act: [] }, 'invalid_claim', 'act'],
    ['rule 47: the claim of the options a number', { cid: 7 }, 'invalid_claim', 'cid', { clientIdClaim: 'cid' }],
    ['rule 47: azp another than client_id', { client_id: 'web', azp: 'app' }, 'client_not_allowed', 'azp', { allowedClients: new Set(['web', 'app']) }],
    ['rule 47: no client where clients are listed', {}, 'client_not_allowed', 'client_id', { allowedClients: new Set(['web']) }],
    ['rule 47: a client that is not listed', { azp: 'app' }, 'client_not_allowed', 'client_id', { allowedClients: new Set(['web']) }],
    ['rule 49: a claim that is required', {}, 'missing_claim', 'tenant', { requiredClaims: ['sub', 'tenant'] }],
    ['rule 49: one that is null', { tenant: null }, 'missing_claim', 'tenant', { requiredClaims: ['tenant'] }],
    ['rule 49: a value that is required, absent', {}, 'missing_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: a value that is required, null', { tid: null }, 'missing_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: another value', { tid: 't-2' }, 'invalid_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: the value within a list', { tid: ['t-1'] }, 'invalid_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
  ])('%s', (_name, claims, reason, cause, rules) => {
    const found = examined(claims, rules) as ClaimFault;
    expect([found.reason, found.cause.split(',')[0]]).toEqual([reason, cause]);
  });

  test.each(['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'htm', 'htu', 'response_type', 'redirect_uri', 'token_introspection'])(
    'rule 37: %s, whatever it holds; null is absent (rule 168)',
    (name) => {
      for (const value of ['x', '', {}, 0, false]) expect(examined({ [name]: value })).toMatchObject({ reason: 'not_an_access_token', cause: name });
      expect(examined({ [name]: null })).toBeInstanceOf(VerifiedAuth);
    },
  );
});

describe('rule 36: a nonce marks an ID token where nothing says access token', () => {
  test.each<[string, JsonObject, string | undefined]>([
    ['the header of RFC 9068', {}, 'at+jwt'],
    ['the same as a whole media type', {}, 'application/at+jwt'],
    ["Keycloak's typ", { typ: 'Bearer' }, 'JWT'],
    ["Cognito's token_use", { token_use: 'access' }, undefined],
    ['a scope', { scope: 'openid' }, 'JWT'],
    ['a scope of Azure AD B2C', { scp: 'read' }, 'JWT'],
    ['a list of scopes', { scp: ['read'] }, undefined],
  ])('%s does', (_name, claims, type) => {
    expect(examined({ nonce: 'n-1', ...claims }, {}, type)).toBeInstanceOf(VerifiedAuth);
    for (const mark of ['at_hash', 'c_hash', 's_hash', 'events']) {
      expect(examined({ nonce: 'n-1', [mark]: 'x', ...claims }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: mark });
    }
    expect(examined({ nonce: 'n-1', ...claims, typ: 'ID' }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'typ' });
    expect(examined({ nonce: 'n-1', ...claims, token_use: 'id' }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'token_use' });
  });

  test.each<[string, JsonObject, string | undefined]>([
    ['nothing', {}, undefined],
    ['typ JWT', {}, 'JWT'],
    ['an empty scope', { scope: '' }, 'JWT'],
    ['blanks', { scope: '  ' }, 'JWT'],
    ['a scope that is null', { scope: null, scp: null }, 'JWT'],
    ['an empty list', { scp: [] }, 'JWT'],
    ['a scope that can not be read', { scope: { openid: true } }, 'JWT'],
    ['a list with something else', { scp: ['a', 1] }, 'JWT'],
    ['a typ that is another', { typ: 'bearer' }, 'JWT'],
    ['a list', { typ: ['Bearer'] }, 'JWT'],
    ['a use that is another', { token_use: 'Access' }, 'JWT'],
    ['roles', { roles: ['admin'] }, 'JWT'],
    ['a client', { client_id: 'web', azp: 'web' }, 'JWT'],
  ])('%s does not', (_name, claims, type) => {
    expect(examined({ nonce: 'n-1', ...claims }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'nonce' });
  });
});

describe('rule 168: a claim that is null is absent', () => {
  test.each(['sub', 'client_id', 'azp', 'jti', 'sid', 'nbf', 'act', 'cnf', 'scope', 'scp', 'roles', 'typ', 'token_use', 'acr', 'auth_time', 'cid'])(
    '%s',
    (name) => {
      const [withNull, without] = [examined({ [name]: null }, { clientIdClaim: 'cid' }), examined({ [name]: undefined }, { clientIdClaim: 'cid' })];
      expect(withNull).toBeInstanceOf(VerifiedAuth);
      expect({ ...withNull, claims: 0 }).toEqual({ ...without, claims: 0 });
    },
  );

  test('a claim that is forbidden may be null, and one that is required may not', () => {
    expect(examined({ debug: null }, { forbiddenClaims: ['debug'] })).toBeInstanceOf(VerifiedAuth);
    expect(examined({ sub: null }, { requiredClaims: ['sub'] })).toMatchObject({ reason: 'missing_claim', cause: 'sub' });
  });

  test('one claim that names a client and one that is null agree', () => {
    const rules = { allowedClients: new Set(['web']), clientIdClaim: 'cid' };
    expect(examined({ client_id: null, azp: 'web', cid: null }, rules)).toBeInstanceOf(VerifiedAuth);
    expect(examined({ client_id: null, azp: null, cid: null }, rules)).toMatchObject({ reason: 'client_not_allowed' });
  });
});

describe('tokens without iat', () => {
  const loose = { acceptWithoutIssuedAt: true };

  test.each([undefined, null])('are accepted where the options say so: iat %s', (iat) => {
    const auth = examined({ iat }, loose) as VerifiedAuth;
    expect(auth.issuedAt).toBeUndefined();
    expect(counts(auth, NOW + 329)).toBe(true);
    expect(counts(auth, NOW + 330)).toBe(false);
    expect(examined({ iat })).toMatchObject({ reason: 'missing_claim', cause: 'iat' });
  });

  test('an iat that is there counts as ever', () => {
    expect(examined({ iat: NOW + 31 }, loose)).toMatchObject({ reason: 'issued_in_the_future' });
    expect(examined({ iat: 'x' }, loose)).toMatchObject({ reason: 'invalid_claim', cause: 'iat' });
  });

  test('are refused where age or lifetime are limited, by the shadow too', () => {
    for (const limit of [{ maxTokenAgeSeconds: 60 }, { maxTokenLifetimeSeconds: 600 }]) {
      expect(examined({ iat: undefined }, { ...loose, ...limit })).toMatchObject({ reason: 'missing_claim', cause: 'iat' });
    }
    expect(examineTime(NOW + 300, undefined, undefined, { clockSkewSeconds: 0, maxTokenAgeSeconds: 60 }, NOW)).toMatchObject({ reason: 'too_old' });
  });
});

describe('what was expected and what was found is told', () => {
  test.each<[string, JsonObject, Partial<ClaimRules>, unknown, unknown]>([
    ['the issuer', { iss: 'https://other' }, {}, ISSUER, 'https://other'],
    ['the audience', { aud: ['x', 'y'] }, {}, RULES.audiences, ['x', 'y']],
    ['no audience', { aud: undefined }, {}, RULES.audiences, undefined],
    ['a type of token', { typ: 'ID' }, {}, 'an access token', 'a token with the claim typ'],
    ['the lifetime', { exp: NOW + 900 }, { maxTokenLifetimeSeconds: 600 }, 600, 900],
    ['the client', { client_id: 'app' }, { allowedClients: new Set(['web']) }, new Set(['web']), 'app'],
    ['two clients', { client_id: 'app', azp: 'web' }, { allowedClients: new Set(['web']) }, new Set(['web']), ['app', 'web']],
    ['no client', {}, { allowedClients: new Set(['web']) }, new Set(['web']), []],
    ['a claim that is missing', {}, { requiredClaims: ['tenant'] }, 'tenant', undefined],
    ['a value', { tid: 7 }, { requiredValues: new Map([['tid', new Set(['a'])]]) }, new Set(['a']), 7],
    ['a claim that is forbidden', { debug: 1 }, { forbiddenClaims: ['debug'] }, 'a token without debug', 1],
    ['a name', { jti: 7 }, {}, 'a string that is not empty', 7],
    ['a date', { exp: '7' }, {}, 'a number of seconds since the epoch, up to the year 9999', '7'],
  ])('%s', (_name, claims, rules, expected, found) => {
    expect(examined(claims, rules)).toMatchObject({ expected, found });
  });
});

describe('and what is right is taken', () => {
  test.each<[string, JsonObject, Partial<ClaimRules>?]>([
    ['rule 37: a use that is none of another token', { typ: 'Bearer', token_use: 'access' }],
    ['rule 37: a use that is no string', { typ: ['ID'], token_use: 1 }],
    ['rule 40: one of several audiences', { aud: ['x', 'other-api'] }],
    ['rule 41: no audience where any will do', { aud: undefined }, { audiences: undefined }],
    ['rule 42: dates of 0', { iat: 0, nbf: 0 }],
    ['rule 43: the last second of the year 9999', { exp: 253_402_300_799 }],
    ['rule 44: a second before it is too late', { exp: NOW - 29 }],
    ['rule 46: a lifetime just short enough', {}, { maxTokenLifetimeSeconds: 300 }],
    ['rule 47: client_id and azp that agree', { client_id: 'web', azp: 'web' }, { allowedClients: new Set(['web']) }],
    ['rule 47: client_id and azp that differ, where no clients are listed', { client_id: 'web', azp: 'app' }],
    ['rule 47: client_id alone', { client_id: 'web' }, { allowedClients: new Set(['web']) }],
    ['rule 49: what is required, though it be empty', { tenant: '', level: 0 }, { requiredClaims: ['tenant', 'level'] }],
    [
      'rule 49: values that are required',
      { tid: 't-1', ok: true },
      {
        requiredValues: new Map<string, Set<string | boolean>>([
          ['tid', new Set(['t-1'])],
          ['ok', new Set([true])],
        ]),
      },
    ],
  ])('%s', (_name, claims, rules) => {
    expect(examined(claims, rules)).toBeInstanceOf(VerifiedAuth);
  });
});

describe('rules 44 and 46: the time', () => {
  const strict = { clockSkewSeconds: 0, maxTokenAgeSeconds: 60 };

  test.each<[string, { exp?: number; nbf?: number; iat?: number }, string | undefined]>([
    ['in the second of exp', { exp: NOW }, 'expired'],
    ['a moment before', { exp: NOW + 0.001 }, undefined],
    ['in the second of nbf', { nbf: NOW }, undefined],
    ['a moment before nbf', { nbf: NOW + 0.001 }, 'not_yet_valid'],
    ['in the second of iat', { iat: NOW }, undefined],
    ['a moment before iat', { iat: NOW + 0.001 }, 'issued_in_the_future'],
    ['as old as may be', { iat: NOW - 60 }, undefined],
    ['a moment older', { iat: NOW - 60.001 }, 'too_old'],
  ])('%s', (_name, { exp = NOW + 300, nbf, iat = NOW }, reason) => {
    expect(examineTime(exp, nbf, iat, strict, NOW)?.reason).toBe(reason);
  });

  test('the skew is the favour of all of them, and no more', () => {
    const lenient = { clockSkewSeconds: 30, maxTokenAgeSeconds: 60 };
    expect(examineTime(NOW - 29.999, NOW + 30, NOW - 90, lenient, NOW)).toBeUndefined();
    expect(examineTime(NOW + 300, undefined, NOW + 30, lenient, NOW)).toBeUndefined();
    expect(examineTime(NOW - 30, undefined, NOW, lenient, NOW)).toEqual({ reason: 'expired', cause: 'exp, 30 s ago', expected: NOW - 30, found: NOW - 30 });
    expect(examineTime(NOW + 300, NOW + 30.001, NOW, lenient, NOW)).toMatchObject({ reason: 'not_yet_valid', cause: 'nbf, in 30 s', expected: NOW + 30 });
    expect(examineTime(NOW + 300, undefined, NOW + 30.001, lenient, NOW)).toMatchObject({
      reason: 'issued_in_the_future',
      cause: 'iat, in 30 s',
      found: NOW + 30.001,
    });
    expect(examineTime(NOW + 300, undefined, NOW - 90.001, lenient, NOW)).toMatchObject({ reason: 'too_old', cause: 'iat, 90 s ago', expected: NOW - 90 });
  });

  test('a token counts until the moment from which its time is refused', () => {
    for (const maxTokenAgeSeconds of [undefined, 60, 600]) {
      const rules = { clockSkewSeconds: 30, maxTokenAgeSeconds };
      const end = acceptedUntil(NOW + 300, NOW, rules);
      expect(end).toBe(NOW + (maxTokenAgeSeconds === 60 ? 90 : 330));
      expect(examineTime(NOW + 300, undefined, NOW, rules, end - 0.001)).toBeUndefined();
      expect(examineTime(NOW + 300, undefined, NOW, rules, end + 0.001)).toBeDefined();
    }
    expect(acceptedUntil(NOW + 300, undefined, { clockSkewSeconds: 30, maxTokenAgeSeconds: 60 })).toBe(-Infinity);
  });

  test('a clock that shows no number refuses, whatever the token says', () => {
    for (const clockSkewSeconds of [0, NaN]) {
      expect(examineTime(NOW + 300, undefined, NOW, { clockSkewSeconds, maxTokenAgeSeconds: undefined }, NaN)).toMatchObject({ reason: 'expired' });
    }
  });
});

function examined(claims: JsonObject, rules: Partial<ClaimRules> = {}, type?: string): VerifiedAuth | ClaimFault {
  const said = Object.entries({ ...GOOD, ...claims }).filter(([, value]) => value !== undefined);
  const all = { ...RULES, ...rules };
  const found = examineClaims(Object.fromEntries(said), all, NOW, type);
  return isFault(found) ? found : buildAuth('token', found, all);
}
