import { describe, expect, test } from 'vitest';
import { isWithinLifetime, VerifiedAuth } from './verified-auth.js';
import { buildAuth } from './build-auth.js';
import type { ClaimFailure } from './claim-failure.js';
import { isFailure } from '../issuer/verification-failure.js';
import { examineClaims, isAccessTokenType } from './claims.js';
import { acceptedUntil, examineTime } from './token-time.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import type { JsonObject } from '../lib/json.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';
const GOOD: JsonObject = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 300, sub: 'alice' };
const RULES = claimRules({ issuer: ISSUER, audiences: new Set(['api', 'other-api']) });

const ORG = { path: ['org', 'id'], values: new Set(['o-1']) };
const KIND = { path: ['kind'], values: new Set(['a', true]) };

describe('rule 35: the header type', () => {
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
  ])('%j is accepted by default: %s, and with the profile of RFC 9068: %s', (type, accepted, byProfile) => {
    expect(isAccessTokenType(type, undefined)).toBe(accepted);
    expect(isAccessTokenType(type, 'rfc9068')).toBe(byProfile);
  });
});

describe('refuses invalid claims, with a reason and the name of the claim', () => {
  test.each<[string, JsonObject, string, string, Partial<ClaimRules>?]>([
    ['rule 38: refuses a token without iss', { iss: undefined }, 'issuer_mismatch', 'iss'],
    ['rule 38: refuses the issuer with a slash at the end', { iss: `${ISSUER}/` }, 'issuer_mismatch', 'iss'],
    ['rule 37: refuses typ ID', { typ: 'ID' }, 'not_an_access_token', 'typ'],
    ['rule 37: refuses typ Refresh', { typ: 'Refresh' }, 'not_an_access_token', 'typ'],
    ['rule 37: refuses typ offline', { typ: 'offline' }, 'not_an_access_token', 'typ'],
    ['rule 37: refuses typ Logout', { typ: 'Logout' }, 'not_an_access_token', 'typ'],
    ['rule 37: refuses token_use id', { token_use: 'id' }, 'not_an_access_token', 'token_use'],
    ['rule 37: refuses a client assertion', { sub: ISSUER }, 'not_an_access_token', 'sub'],
    ['rule 40: refuses a token without aud', { aud: undefined }, 'audience_mismatch', 'aud'],
    ['rule 40: refuses an empty audience', { aud: '' }, 'audience_mismatch', 'aud', { audiences: new Set(['']) }],
    ['rule 40: refuses an empty list in aud', { aud: [] }, 'audience_mismatch', 'aud'],
    ['rule 40: refuses a list with a number in aud', { aud: ['api', 1] }, 'audience_mismatch', 'aud'],
    ['rule 40: refuses an object in aud', { aud: { 0: 'api', length: 1 } }, 'audience_mismatch', 'aud'],
    ['rule 40: refuses other audiences', { aud: ['API', 'ap', 'api '] }, 'audience_mismatch', 'aud'],
    ['rule 41: refuses a malformed aud if any audience is accepted', { aud: [1] }, 'invalid_claim', 'aud', { audiences: undefined }],
    ['rule 41: refuses an empty list in aud if any audience is accepted', { aud: [] }, 'invalid_claim', 'aud', { audiences: undefined }],
    ['rule 42: refuses a token without exp', { exp: undefined }, 'missing_claim', 'exp'],
    ['rule 42: refuses a token without iat', { iat: undefined }, 'missing_claim', 'iat'],
    ['rule 42: refuses an exp that is a string', { exp: String(NOW + 300) }, 'invalid_claim', 'exp'],
    ['rule 168: refuses an exp that is null', { exp: null }, 'missing_claim', 'exp'],
    ['rule 168: refuses an iat that is null', { iat: null }, 'missing_claim', 'iat'],
    ['rule 168: refuses an aud that is null', { aud: null }, 'audience_mismatch', 'aud'],
    ['rule 168: refuses an iss that is null', { iss: null }, 'issuer_mismatch', 'iss'],
    ['rule 42: refuses an iat that is a string', { iat: String(NOW) }, 'invalid_claim', 'iat'],
    ['rule 42: refuses a negative iat', { iat: -1 }, 'invalid_claim', 'iat'],
    ['rule 42: refuses an nbf that is a string', { nbf: String(NOW) }, 'invalid_claim', 'nbf'],
    ['rule 43: refuses an exp one second after the year 9999', { exp: 253_402_300_800 }, 'invalid_claim', 'exp'],
    ['rule 42: refuses an infinite exp', { exp: Infinity }, 'invalid_claim', 'exp'],
    ['rule 44: refuses an expired token', { exp: NOW - 30 }, 'expired', 'exp'],
    ['rule 46: refuses a lifetime one second too long', { exp: NOW + 301 }, 'lifetime_too_long', 'exp', { maxTokenLifetimeSeconds: 300 }],
    ['rule 48: refuses an empty sub', { sub: '' }, 'invalid_claim', 'sub'],
    ['rule 48: refuses a sub that is a number', { sub: 7 }, 'invalid_claim', 'sub'],
    ['refuses an empty jti', { jti: '' }, 'invalid_claim', 'jti'],
    ['rule 47: refuses a client_id that is a list', { client_id: ['web'] }, 'invalid_claim', 'client_id'],
    ['rule 47: refuses an empty azp', { azp: '' }, 'invalid_claim', 'azp'],
    ['refuses an act that is a string', { act: 'service' }, 'invalid_claim', 'act'],
    ['refuses an act that is a list', { act: [] }, 'invalid_claim', 'act'],
    ['rule 47: refuses a number in the configured client claim', { cid: 7 }, 'invalid_claim', 'cid', { clientIdClaim: 'cid' }],
    [
      'rule 47: refuses an azp that differs from client_id',
      { client_id: 'web', azp: 'app' },
      'client_not_allowed',
      'azp',
      { allowedClients: new Set(['web', 'app']) },
    ],
    ['rule 47: refuses a token without a client ID if clients are listed', {}, 'client_not_allowed', 'client_id', { allowedClients: new Set(['web']) }],
    ['rule 47: refuses an unlisted client', { azp: 'app' }, 'client_not_allowed', 'client_id', { allowedClients: new Set(['web']) }],
    ['rule 49: refuses a token without a required claim', {}, 'missing_claim', 'tenant', { requiredClaims: ['sub', 'tenant'] }],
    ['rule 49: refuses a required claim that is null', { tenant: null }, 'missing_claim', 'tenant', { requiredClaims: ['tenant'] }],
    ['rule 49: refuses a token without a required value', {}, 'missing_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: refuses a required value that is null', { tid: null }, 'missing_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: refuses a claim without the required value', { tid: 't-2' }, 'invalid_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: refuses the required value inside a list', { tid: ['t-1'] }, 'invalid_claim', 'tid', { requiredValues: new Map([['tid', new Set(['t-1'])]]) }],
    ['rule 49: refuses a token without a required member', { org: {} }, 'missing_claim', 'org.id', { requiredMembers: [ORG] }],
    ['rule 49: refuses a required member of a claim that is no object', { org: 'o-1' }, 'missing_claim', 'org.id', { requiredMembers: [ORG] }],
    ['rule 49: refuses a required member of a list', { org: ['o-1'] }, 'missing_claim', 'org.id', { requiredMembers: [ORG] }],
    ['rule 49: refuses a required member that is null', { org: { id: null } }, 'missing_claim', 'org.id', { requiredMembers: [ORG] }],
    ['rule 49: refuses a required member with another value', { org: { id: 'o-2' } }, 'invalid_claim', 'org.id', { requiredMembers: [ORG] }],
    ['rule 49: refuses the required member inside a list', { org: { id: ['o-1'] } }, 'invalid_claim', 'org.id', { requiredMembers: [ORG] }],
    ['rule 282: refuses a forbidden member', { org: { id: 0 } }, 'invalid_claim', 'org.id', { forbiddenClaims: [['org', 'id']] }],
    ['rule 282: refuses a forbidden value', { kind: 'a' }, 'invalid_claim', 'kind', { forbiddenValues: [KIND] }],
    ['rule 282: refuses a list with a forbidden value', { kind: ['b', 'a'] }, 'invalid_claim', 'kind', { forbiddenValues: [KIND] }],
    ['rule 282: refuses a forbidden value of a member', { org: { id: 'o-1' } }, 'invalid_claim', 'org.id', { forbiddenValues: [ORG] }],
  ])('%s', (_name, claims, reason, cause, rules) => {
    const found = examined(claims, rules) as ClaimFailure;
    expect([found.reason, found.cause.split(',')[0]]).toEqual([reason, cause]);
  });

  test.each<[string, JsonObject, ClaimFailure, Partial<ClaimRules>?]>([
    [
      'a client assertion',
      { sub: ISSUER },
      { reason: 'not_an_access_token', cause: 'sub', expected: 'an access token', found: 'a client assertion, whose iss and sub are equal' },
    ],
    [
      'a malformed aud',
      { aud: [1] },
      { reason: 'invalid_claim', cause: 'aud', expected: 'a string or a list of strings', found: [1] },
      { audiences: undefined },
    ],
    ['a missing exp', { exp: undefined }, { reason: 'missing_claim', cause: 'exp', expected: 'exp', found: undefined }],
    ['a missing iat', { iat: undefined }, { reason: 'missing_claim', cause: 'iat', expected: 'iat', found: undefined }],
    ['an empty sid', { sid: '' }, { reason: 'invalid_claim', cause: 'sid', expected: 'a non-empty string', found: '' }],
    ['a malformed act', { act: 'service' }, { reason: 'invalid_claim', cause: 'act', expected: 'an object', found: 'service' }],
    [
      'another client than the configured claim says, in azp',
      { cid: 'web', azp: 'app' },
      { reason: 'client_not_allowed', cause: 'cid', expected: new Set(['web', 'app']), found: ['web', 'app'] },
      { clientIdClaim: 'cid', allowedClients: new Set(['web', 'app']) },
    ],
    [
      'another client than the configured claim says, in client_id',
      { cid: 'web', client_id: 'app', azp: 'app' },
      { reason: 'client_not_allowed', cause: 'cid', expected: new Set(['web', 'app']), found: ['web', 'app'] },
      { clientIdClaim: 'cid', allowedClients: new Set(['web', 'app']) },
    ],
    [
      'a token without a client',
      {},
      { reason: 'client_not_allowed', cause: 'client_id', expected: new Set(['web']), found: [] },
      { allowedClients: new Set(['web']) },
    ],
  ])('the failure of %s says what was expected and found', (_name, claims, expected, rules) => {
    expect(examined(claims, rules)).toEqual(expected);
  });

  test.each<JsonObject>([{}, { kind: 'b' }, { kind: null }, { kind: 'true' }, { kind: ['b'] }, { kind: { a: 'a' } }, { org: 'o-1' }, { org: ['o-1'] }])(
    'rule 282: accepts other values than the forbidden ones: %j',
    (claims) => {
      expect(examined(claims, { forbiddenValues: [KIND, ORG] })).toBeInstanceOf(VerifiedAuth);
    },
  );

  test.each<JsonObject>([{}, { org: null }, { org: {} }, { org: { id: null } }, { org: 'id' }, { org: ['id'] }, { 'org.id': 1 }])(
    'rule 282: accepts a token without the forbidden member: %j',
    (claims) => {
      expect(examined(claims, { forbiddenClaims: [['org', 'id']] })).toBeInstanceOf(VerifiedAuth);
    },
  );

  test('rule 49: accepts the required value of a member', () => {
    expect(examined({ org: { id: 'o-1' } }, { requiredMembers: [ORG] })).toBeInstanceOf(VerifiedAuth);
    const polluted = JSON.parse('{"org": {"__proto__": {"id": "o-1"}}}') as JsonObject;
    expect(examined(polluted, { requiredMembers: [ORG] })).toMatchObject({ reason: 'missing_claim' });
  });

  test('rule 47: accepts a client that the configured claim and the registered ones name alike', () => {
    const rules = { clientIdClaim: 'cid', allowedClients: new Set(['web']) };
    for (const claims of [{ cid: 'web' }, { cid: 'web', azp: 'web' }, { cid: 'web', client_id: 'web' }, { cid: 'web', client_id: 'web', azp: 'web' }]) {
      expect(examined(claims, rules)).toMatchObject({ clientId: 'web' });
    }
  });

  test.each(['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'htm', 'htu', 'response_type', 'redirect_uri', 'token_introspection'])(
    'rule 37: refuses a token with %s unless its value is null (rule 168)',
    (name) => {
      for (const value of ['x', '', {}, 0, false]) expect(examined({ [name]: value })).toMatchObject({ reason: 'not_an_access_token', cause: name });
      expect(examined({ [name]: null })).toBeInstanceOf(VerifiedAuth);
    },
  );
});

describe('rule 36: a token with a nonce needs a mark of an access token', () => {
  test.each<[string, JsonObject, string | undefined]>([
    ['no mark at all', {}, undefined],
    ['a header that ends like that of RFC 9068', {}, 'x-at+jwt'],
    ['a header that begins like that of RFC 9068', {}, 'at+jwt-x'],
    ['an empty list of scopes', { scp: [] }, 'JWT'],
    ['an empty name in the list of scopes', { scp: ['read', ''] }, 'JWT'],
    ['a number in the list of scopes', { scp: ['read', 7] }, 'JWT'],
    ['a scope of spaces', { scope: '  ' }, 'JWT'],
  ])('refuses a nonce with %s', (_name, claims, type) => {
    expect(examined({ nonce: 'n-1', ...claims }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'nonce' });
  });

  test.each<[string, JsonObject, string | undefined]>([
    ['the header of RFC 9068', {}, 'at+jwt'],
    ['the header of RFC 9068 as a full media type', {}, 'application/at+jwt'],
    ["Keycloak's typ", { typ: 'Bearer' }, 'JWT'],
    ["Cognito's token_use", { token_use: 'access' }, undefined],
    ['a scope', { scope: 'openid' }, 'JWT'],
    ['a scope of Azure AD B2C', { scp: 'read' }, 'JWT'],
    ['a list of scopes', { scp: ['read'] }, undefined],
  ])('accepts a nonce with %s', (_name, claims, type) => {
    expect(examined({ nonce: 'n-1', ...claims }, {}, type)).toBeInstanceOf(VerifiedAuth);
    for (const mark of ['at_hash', 'c_hash', 's_hash', 'events']) {
      expect(examined({ nonce: 'n-1', [mark]: 'x', ...claims }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: mark });
    }
    expect(examined({ nonce: 'n-1', ...claims, typ: 'ID' }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'typ' });
    expect(examined({ nonce: 'n-1', ...claims, token_use: 'id' }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'token_use' });
  });

  test.each<[string, JsonObject, string | undefined]>([
    ['nothing else', {}, undefined],
    ['typ JWT', {}, 'JWT'],
    ['an empty scope', { scope: '' }, 'JWT'],
    ['spaces in scope', { scope: '  ' }, 'JWT'],
    ['a scope that is null', { scope: null, scp: null }, 'JWT'],
    ['an empty list', { scp: [] }, 'JWT'],
    ['an unreadable scope', { scope: { openid: true } }, 'JWT'],
    ['a list with a number', { scp: ['a', 1] }, 'JWT'],
    ['typ bearer in lowercase', { typ: 'bearer' }, 'JWT'],
    ['a list in typ', { typ: ['Bearer'] }, 'JWT'],
    ['token_use Access with a capital letter', { token_use: 'Access' }, 'JWT'],
    ['roles', { roles: ['admin'] }, 'JWT'],
    ['a client ID', { client_id: 'web', azp: 'web' }, 'JWT'],
  ])('refuses a nonce with %s', (_name, claims, type) => {
    expect(examined({ nonce: 'n-1', ...claims }, {}, type)).toMatchObject({ reason: 'not_an_access_token', cause: 'nonce' });
  });
});

describe('rule 168: a claim that is null counts as absent', () => {
  test.each(['sub', 'client_id', 'azp', 'jti', 'sid', 'nbf', 'act', 'cnf', 'scope', 'scp', 'roles', 'typ', 'token_use', 'acr', 'auth_time', 'cid'])(
    'a %s that is null counts as absent',
    (name) => {
      const [withNull, without] = [examined({ [name]: null }, { clientIdClaim: 'cid' }), examined({ [name]: undefined }, { clientIdClaim: 'cid' })];
      expect(withNull).toBeInstanceOf(VerifiedAuth);
      expect({ ...withNull, claims: 0 }).toEqual({ ...without, claims: 0 });
    },
  );

  test('a forbidden claim may be null, and a required claim may not be', () => {
    expect(examined({ debug: null }, { forbiddenClaims: [['debug']] })).toBeInstanceOf(VerifiedAuth);
    expect(examined({ sub: null }, { requiredClaims: ['sub'] })).toMatchObject({ reason: 'missing_claim', cause: 'sub' });
  });

  test('a client claim that is null does not conflict with another client claim', () => {
    const rules = { allowedClients: new Set(['web']), clientIdClaim: 'cid' };
    expect(examined({ client_id: null, azp: 'web', cid: null }, rules)).toBeInstanceOf(VerifiedAuth);
    expect(examined({ client_id: null, azp: null, cid: null }, rules)).toMatchObject({ reason: 'client_not_allowed' });
  });
});

describe('acceptWithoutIssuedAt', () => {
  const loose = { acceptWithoutIssuedAt: true };

  test.each([undefined, null])('accepts a token with iat %s, which is refused otherwise', (iat) => {
    const auth = examined({ iat }, loose) as VerifiedAuth;
    expect(auth.issuedAt).toBeUndefined();
    expect(isWithinLifetime(auth, NOW + 329)).toBe(true);
    expect(isWithinLifetime(auth, NOW + 330)).toBe(false);
    expect(examined({ iat })).toMatchObject({ reason: 'missing_claim', cause: 'iat' });
  });

  test('still checks an iat that is present', () => {
    expect(examined({ iat: NOW + 31 }, loose)).toMatchObject({ reason: 'issued_in_the_future' });
    expect(examined({ iat: 'x' }, loose)).toMatchObject({ reason: 'invalid_claim', cause: 'iat' });
  });

  test('refuses a token without iat if the options limit its age or lifetime', () => {
    for (const limit of [{ maxTokenAgeSeconds: 60 }, { maxTokenLifetimeSeconds: 600 }]) {
      expect(examined({ iat: undefined }, { ...loose, ...limit })).toMatchObject({ reason: 'missing_claim', cause: 'iat' });
    }
    expect(examineTime(NOW + 300, undefined, undefined, { clockSkewSeconds: 0, maxTokenAgeSeconds: 60 }, NOW)).toMatchObject({ reason: 'too_old' });
  });
});

describe('a failure contains the expected value and the found value', () => {
  test.each<[string, JsonObject, Partial<ClaimRules>, unknown, unknown]>([
    ['the issuer', { iss: 'https://other' }, {}, ISSUER, 'https://other'],
    ['the audience', { aud: ['x', 'y'] }, {}, RULES.audiences, ['x', 'y']],
    ['a missing audience', { aud: undefined }, {}, RULES.audiences, undefined],
    ['the type of the token', { typ: 'ID' }, {}, 'an access token', 'a token with the claim typ'],
    ['the lifetime', { exp: NOW + 900 }, { maxTokenLifetimeSeconds: 600 }, 600, 900],
    ['the client ID', { client_id: 'app' }, { allowedClients: new Set(['web']) }, new Set(['web']), 'app'],
    ['two client IDs', { client_id: 'app', azp: 'web' }, { allowedClients: new Set(['web']) }, new Set(['web']), ['app', 'web']],
    ['a missing client ID', {}, { allowedClients: new Set(['web']) }, new Set(['web']), []],
    ['a missing claim', {}, { requiredClaims: ['tenant'] }, 'tenant', undefined],
    ['a required value', { tid: 7 }, { requiredValues: new Map([['tid', new Set(['a'])]]) }, new Set(['a']), 7],
    ['a forbidden claim', { debug: 1 }, { forbiddenClaims: [['debug']] }, 'a token without debug', 1],
    ['the token ID', { jti: 7 }, {}, 'a non-empty string', 7],
    ['the expiry date', { exp: '7' }, {}, 'a number of seconds since the epoch, up to the year 9999', '7'],
  ])('the failure of %s', (_name, claims, rules, expected, found) => {
    expect(examined(claims, rules)).toMatchObject({ expected, found });
  });
});

describe('accepts valid claims', () => {
  test.each<[string, JsonObject, Partial<ClaimRules>?]>([
    ['rule 37: accepts typ and token_use of an access token', { typ: 'Bearer', token_use: 'access' }],
    ['rule 37: accepts typ and token_use that are not strings', { typ: ['ID'], token_use: 1 }],
    ['rule 40: accepts an aud list with one of the audiences', { aud: ['x', 'other-api'] }],
    ['rule 41: accepts a token without aud if any audience is accepted', { aud: undefined }, { audiences: undefined }],
    ['rule 42: accepts an iat and an nbf of 0', { iat: 0, nbf: 0 }],
    ['rule 43: accepts an exp in the last second of the year 9999', { exp: 253_402_300_799 }],
    ['rule 44: accepts a token one second before exp plus the clock skew', { exp: NOW - 29 }],
    ['rule 46: accepts the longest lifetime allowed', {}, { maxTokenLifetimeSeconds: 300 }],
    ['rule 47: accepts client_id and azp that agree', { client_id: 'web', azp: 'web' }, { allowedClients: new Set(['web']) }],
    ['rule 47: accepts client_id and azp that differ, if no clients are listed', { client_id: 'web', azp: 'app' }],
    ['rule 47: accepts client_id without azp', { client_id: 'web' }, { allowedClients: new Set(['web']) }],
    ['rule 49: accepts required claims that are empty', { tenant: '', level: 0 }, { requiredClaims: ['tenant', 'level'] }],
    [
      'rule 49: accepts required values',
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

describe('rules 44 and 46: checks exp, nbf, iat and the maximum age', () => {
  const strict = { clockSkewSeconds: 0, maxTokenAgeSeconds: 60 };

  test.each<[string, { exp?: number; nbf?: number; iat?: number }, string | undefined]>([
    ['refuses a token at exp', { exp: NOW }, 'expired'],
    ['accepts a token a moment before exp', { exp: NOW + 0.001 }, undefined],
    ['accepts a token at nbf', { nbf: NOW }, undefined],
    ['refuses a token a moment before nbf', { nbf: NOW + 0.001 }, 'not_yet_valid'],
    ['accepts a token at iat', { iat: NOW }, undefined],
    ['refuses a token a moment before iat', { iat: NOW + 0.001 }, 'issued_in_the_future'],
    ['accepts a token of exactly the maximum age', { iat: NOW - 60 }, undefined],
    ['refuses a token a moment past the maximum age', { iat: NOW - 60.001 }, 'too_old'],
  ])('%s', (_name, { exp = NOW + 300, nbf, iat = NOW }, reason) => {
    expect(examineTime(exp, nbf, iat, strict, NOW)?.reason).toBe(reason);
  });

  test('allows the clock skew for each of these limits, and no more', () => {
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

  test('acceptedUntil returns the time from which a token is refused', () => {
    for (const maxTokenAgeSeconds of [undefined, 60, 600]) {
      const rules = { clockSkewSeconds: 30, maxTokenAgeSeconds };
      const end = acceptedUntil(NOW + 300, NOW, rules);
      expect(end).toBe(NOW + (maxTokenAgeSeconds === 60 ? 90 : 330));
      expect(examineTime(NOW + 300, undefined, NOW, rules, end - 0.001)).toBeUndefined();
      expect(examineTime(NOW + 300, undefined, NOW, rules, end + 0.001)).toBeDefined();
    }
    expect(acceptedUntil(NOW + 300, undefined, { clockSkewSeconds: 30, maxTokenAgeSeconds: 60 })).toBe(-Infinity);
  });

  test('refuses every token if the clock returns NaN', () => {
    for (const clockSkewSeconds of [0, NaN]) {
      expect(examineTime(NOW + 300, undefined, NOW, { clockSkewSeconds, maxTokenAgeSeconds: undefined }, NaN)).toMatchObject({ reason: 'expired' });
    }
  });
});

function examined(claims: JsonObject, rules: Partial<ClaimRules> = {}, type?: string): VerifiedAuth | ClaimFailure {
  const present = Object.entries({ ...GOOD, ...claims }).filter(([, value]) => value !== undefined);
  const all = { ...RULES, ...rules };
  const found = examineClaims(Object.fromEntries(present), all, NOW, type);
  return isFailure(found) ? found : buildAuth('token', found, all);
}
