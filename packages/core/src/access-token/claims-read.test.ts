import { describe, expect, test } from 'vitest';
import { rawClaims, rawToken } from '../auth/auth.js';
import type { VerifiedAuth } from './verified-auth.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { isUnreadable, readRolesFrom, unreadableAs, type NamesReader, type NamesSource } from '../auth/names.js';
import type { JsonObject } from '../lib/json.js';
import { authFrom } from '../../test/auth-from.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

test('an Auth has a member for each standard claim, and all claims under claims', () => {
  const claims = { aud: 'api', sub: 'alice', nbf: NOW - 1, jti: 'j', sid: 's', client_id: 'web', azp: 'app', act: { sub: 'bot' }, scope: 'a', roles: ['r'] };
  const auth = read(claims);
  expect({ ...auth }).toEqual({
    issuer: ISSUER,
    subject: 'alice',
    clientId: 'web',
    audience: ['api'],
    scopes: ['a'],
    roles: ['r'],
    claims: { iss: ISSUER, iat: NOW, exp: NOW + 300, ...claims },
    expiresAt: NOW + 300,
    issuedAt: NOW,
    tokenId: 'j',
    sessionId: 's',
    actor: { sub: 'bot' },
  });
  expect(rawToken(auth)).toBe('token');
  expect(rawClaims(auth)).toBe(auth.claims);
});

test('rule 40: returns the audience as a frozen list, which is empty if the token has no aud', () => {
  expect(read({ aud: 'api' }).audience).toEqual(['api']);
  expect(read({ aud: ['api', 'b'] }).audience).toEqual(['api', 'b']);
  const anyAudience = read({}, { audiences: undefined });
  expect(anyAudience.audience).toEqual([]);
  for (const { audience } of [read({ aud: 'api' }), anyAudience]) expect(Object.isFrozen(audience)).toBe(true);
});

test('rule 47: reads the client ID from the configured claim, then client_id, then azp', () => {
  const configured = { clientIdClaim: 'cid' };
  expect(read({ client_id: 'a', azp: 'b', cid: 'c' }, configured).clientId).toBe('c');
  expect(read({ client_id: 'a', azp: 'b' }, configured).clientId).toBe('a');
  expect(read({ azp: 'b' }, configured).clientId).toBe('b');
  expect(read({ cid: 'c' }, configured).clientId).toBe('c');
  expect(read({ cid: 'c' }).clientId).toBeUndefined();
  expect(read({ undefined: 'c' }).clientId).toBeUndefined();
  expect(read({}, { clientIdClaim: 'toString' }).clientId).toBeUndefined();
});

describe('rule 49: reads scopes from scope and scp', () => {
  test.each<[string, JsonObject, string[]]>([
    ['no scope', {}, []],
    ['an empty string as no scope', { scope: '' }, []],
    ['a string of spaces as no scope', { scope: '   ' }, []],
    ['one scope', { scope: 'a' }, ['a']],
    ['several scopes with extra spaces', { scope: ' a  b ' }, ['a', 'b']],
    ['a string in scp', { scp: ' a b' }, ['a', 'b']],
    ['a list in scp, unchanged', { scp: ['a', 'b c'] }, ['a', 'b c']],
    ['an empty list in scp as no scope', { scp: [] }, []],
    ['no scope if scope is null (rule 168)', { scope: null }, []],
    ['a valid scp if scope is null (rule 168)', { scope: null, scp: 'a' }, ['a']],
    ['a valid scope if scp is null (rule 168)', { scope: 'a', scp: null }, ['a']],
    ['a list in scope, unchanged', { scope: ['a', 'b c'] }, ['a', 'b c']],
    ['an empty list in scope as no scope', { scope: [] }, []],
    ['two lists', { scope: ['a', 'b'], scp: ['b', 'c'] }, ['a', 'b', 'c']],
    ['a string and a list, without duplicates', { scope: 'a b', scp: ['b', 'c', 'c'] }, ['a', 'b', 'c']],
  ])('reads %s', (_name, claims, expected) => {
    const { scopes } = read(claims);
    expect(scopes).toEqual(expected);
    expect(isUnreadable(scopes)).toBe(false);
  });

  test('returns frozen scopes if they were read from strings, or if there are none', () => {
    for (const claims of [{ scope: 'a b' }, { scope: 'a  b' }, { scp: 'a' }, { scope: 'a', scp: 'b' }, {}, { scope: 1 }]) {
      expect(Object.isFrozen(read(claims).scopes)).toBe(true);
    }
  });

  test.each<[string, JsonObject]>([
    ['a list with null in scope', { scope: ['a', null] }],
    ['a number in scope', { scope: 7 }],
    ['a number in scp', { scp: 1 }],
    ['a list with a number in scp', { scp: ['a', 1] }],
    ['an object in scp', { scp: { a: true } }],
    ['a valid scope and an invalid scp', { scope: 'a', scp: ['a', null] }],
    ['an invalid scope and a valid scp', { scope: { a: true }, scp: 'a' }],
  ])('returns an empty list, marked as unreadable, for scopes like %s', (_name, claims) => {
    const { scopes } = read(claims);
    expect(scopes).toEqual([]);
    expect(isUnreadable(scopes)).toBe(true);
  });
});

describe('rule 99: reads roles from the configured paths', () => {
  const nested = [['realm_access', 'roles']];

  test.each<[string, JsonObject, string[][], string[]]>([
    ['no roles if there are none', {}, [['roles']], []],
    ['an empty string as no role', { roles: '' }, [['roles']], []],
    ['a string as one role', { roles: 'a b' }, [['roles']], ['a b']],
    ['a list', { roles: ['a', 'b'] }, [['roles']], ['a', 'b']],
    ['a list at the end of a path', { realm_access: { roles: ['a'] } }, nested, ['a']],
    ['no roles at a path that ends early', { realm_access: {} }, nested, []],
    ['no roles at a path whose first claim is absent', {}, nested, []],
    ['no roles if the claim is null (rule 168)', { roles: null }, [['roles']], []],
    ['no roles at a path through null (rule 168)', { realm_access: null }, nested, []],
    ['the roles of several paths without duplicates', { roles: ['a', 'b'], groups: ['b', 'c'] }, [['roles'], ['groups']], ['a', 'b', 'c']],
    ['the roles of several paths if one is absent', { groups: 'c' }, [['roles'], ['groups']], ['c']],
  ])('reads %s', (_name, claims, rolesFrom, expected) => {
    const { roles } = read(claims, { rolesFrom });
    expect(roles).toEqual(expected);
    expect(isUnreadable(roles)).toBe(false);
  });

  test('returns frozen roles if they were copied from the claims', () => {
    expect(Object.isFrozen(read({ roles: 'a' }).roles)).toBe(true);
    expect(Object.isFrozen(read({ roles: ['a'], groups: ['b'] }, { rolesFrom: [['roles'], ['groups']] }).roles)).toBe(true);
  });

  test.each<[string, JsonObject, string[][]]>([
    ['a number', { roles: 1 }, [['roles']]],
    ['an object', { roles: { admin: true } }, [['roles']]],
    ['a list with a number', { roles: ['a', 1] }, [['roles']]],
    ['a path through a string', { realm_access: 'roles' }, nested],
    ['a path through a list', { realm_access: ['roles'] }, nested],
    ['an unreadable value at one of several paths', { roles: ['a'], groups: 1 }, [['roles'], ['groups']]],
  ])('returns an empty list, marked as unreadable, for roles like %s', (_name, claims, rolesFrom) => {
    const { roles } = read(claims, { rolesFrom });
    expect(roles).toEqual([]);
    expect(isUnreadable(roles)).toBe(true);
  });

  test.each<[string, NamesReader, string]>([
    [
      'throws',
      () => {
        throw new TypeError('no');
      },
      'the function threw an error',
    ],
    ['returns nothing', () => undefined as never, 'the function returned undefined'],
    ['returns null', () => null as never, 'the function returned null'],
    ['returns a promise', (async () => ['a']) as never, 'the function returned a promise'],
    ['returns a list with null in it', () => ['a', null] as never, 'the function returned an array that contains null'],
    ['returns a list with a hole', () => Object.assign(['a'], { 2: 'b' }) as never, 'the function returned an array that contains undefined'],
    ['returns an object', () => ({}) as never, 'the function returned an object'],
  ])('says what was unreadable if the function %s', (_name, reader, what) => {
    expect(unreadableAs(readRolesFrom({}, reader))).toBe(`unreadable: ${what}`);
  });

  test('recognises unreadable names from another copy of this package', () => {
    expect(isUnreadable(Object.defineProperty([], Symbol.for('tokenward.unreadable'), { value: true }))).toBe(true);
    expect(unreadableAs(Object.defineProperty([], Symbol.for('tokenward.unreadable'), { value: true }))).toBe(
      'unreadable: something other than a list of names',
    );
    expect(Object.keys(read({ roles: 1 }).roles)).toEqual([]);
  });
});

describe('scopesClaim: reads scopes only from the configured claims', () => {
  test.each<[string, JsonObject, NamesSource, string[]]>([
    ['a string', { permissions: 'a b', scope: 'x' }, [['permissions']], ['a', 'b']],
    ['a list', { permissions: ['a', 'b'], scp: ['x'] }, [['permissions']], ['a', 'b']],
    ['a list at the end of a path', { grants: { api: ['a'] } }, [['grants', 'api']], ['a']],
    ['several claims', { scope: 'a', permissions: ['b', 'a'] }, [['scope'], ['permissions']], ['a', 'b']],
    ['no scopes if the claim is absent', { scope: 'x' }, [['permissions']], []],
    ['a claim that a function reads', { permissions: 'a,b' }, (claims) => String(claims['permissions']).split(','), ['a', 'b']],
  ])('reads %s', (_name, claims, scopesFrom, expected) => {
    expect(read(claims, { scopesFrom }).scopes).toEqual(expected);
  });
});

describe('rolesClaim: a function reads roles that no path can reach', () => {
  const fails = (): never => {
    throw new Error('planted');
  };

  test.each<[string, JsonObject, NamesReader, string[]]>([
    ["an object's keys", { 'urn:roles': { admin: { 1: 'x' } } }, (claims) => Object.keys(claims['urn:roles'] as object), ['admin']],
    ['a string with commas', { groups: 'a,b' }, (claims) => String(claims['groups']).split(','), ['a', 'b']],
    ['a list of objects', { groups: [{ name: 'a' }] }, (claims) => (claims['groups'] as { name: string }[]).map(({ name }) => name), ['a']],
    ['no roles', {}, () => [], []],
  ])('reads %s', (_name, claims, rolesFrom, expected) => {
    const { roles } = read(claims, { rolesFrom });
    expect(roles).toEqual(expected);
    expect(isUnreadable(roles)).toBe(false);
    expect(Object.isFrozen(roles)).toBe(true);
  });

  test.each<[string, () => unknown]>([
    ['an exception', fails],
    ['a promise', async () => ['a']],
    ['a promise that rejects', () => Promise.reject(new Error('planted'))],
    ['undefined', () => undefined],
    ['null', () => null],
    ['a string', () => 'a'],
    ['a Set', () => new Set(['a'])],
    ['a list with a number', () => ['a', 1]],
    [
      'an object whose then throws',
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what this case tests
        get then() {
          return fails();
        },
      }),
    ],
  ])('rule 170: marks the result as unreadable if the function gives %s, and never shows its value', (_name, answer) => {
    for (const names of [read({}, { rolesFrom: answer as NamesReader }).roles, read({}, { scopesFrom: answer as NamesReader }).scopes]) {
      expect(names).toEqual([]);
      expect(isUnreadable(names)).toBe(true);
      expect(unreadableAs(names)).toMatch(/^unreadable: the function (?:returned|threw)/);
      expect(unreadableAs(names)).not.toContain('planted');
    }
  });

  test('passes the claims of the token to the function', () => {
    const { roles } = read({ groups: ['a'] }, { rolesFrom: ({ iss }) => [iss] });
    expect(roles).toEqual([ISSUER]);
  });
});

function read(claims: JsonObject, rules: Partial<ClaimRules> = {}): VerifiedAuth {
  const audiences = 'aud' in claims ? new Set(['api']) : undefined;
  const all = claimRules({ issuer: ISSUER, audiences, ...rules });
  return authFrom({ iss: ISSUER, iat: NOW, exp: NOW + 300, ...claims }, all, NOW);
}
