import { describe, expect, test } from 'vitest';
import { rawClaims, rawToken } from '../auth/auth.js';
import type { VerifiedAuth } from './verified-auth.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { isUnreadable, unreadableAs, type NamesReader, type NamesSource } from '../auth/names.js';
import type { JsonObject } from '../lib/json.js';
import { authFrom } from '../../test/auth-from.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

test('an Auth holds what the token says, each under its name', () => {
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

test('rule 40: the audience is a list, whichever form it has, and none where any will do', () => {
  expect(read({ aud: 'api' }).audience).toEqual(['api']);
  expect(read({ aud: ['api', 'b'] }).audience).toEqual(['api', 'b']);
  const anyAudience = read({}, { audiences: undefined });
  expect(anyAudience.audience).toEqual([]);
  for (const { audience } of [read({ aud: 'api' }), anyAudience]) expect(Object.isFrozen(audience)).toBe(true);
});

test('rule 47: the client is what the options name, else client_id, else azp', () => {
  const ofOptions = { clientIdClaim: 'cid' };
  expect(read({ client_id: 'a', azp: 'b', cid: 'c' }, ofOptions).clientId).toBe('c');
  expect(read({ client_id: 'a', azp: 'b' }, ofOptions).clientId).toBe('a');
  expect(read({ azp: 'b' }, ofOptions).clientId).toBe('b');
  expect(read({ cid: 'c' }, ofOptions).clientId).toBe('c');
  expect(read({ cid: 'c' }).clientId).toBeUndefined();
  expect(read({ undefined: 'c' }).clientId).toBeUndefined();
  expect(read({}, { clientIdClaim: 'toString' }).clientId).toBeUndefined();
});

describe('rule 49: scopes', () => {
  test.each<[string, JsonObject, string[]]>([
    ['none', {}, []],
    ['an empty text', { scope: '' }, []],
    ['blanks alone', { scope: '   ' }, []],
    ['one', { scope: 'a' }, ['a']],
    ['several, with blanks around and between', { scope: ' a  b ' }, ['a', 'b']],
    ['a text in scp', { scp: ' a b' }, ['a', 'b']],
    ['a list in scp, to the letter', { scp: ['a', 'b c'] }, ['a', 'b c']],
    ['an empty list', { scp: [] }, []],
    ['rule 168: null', { scope: null }, []],
    ['rule 168: null beside a good scp', { scope: null, scp: 'a' }, ['a']],
    ['rule 168: a good scope beside null', { scope: 'a', scp: null }, ['a']],
    ['a list in scope, to the letter', { scope: ['a', 'b c'] }, ['a', 'b c']],
    ['an empty list in scope', { scope: [] }, []],
    ['two lists', { scope: ['a', 'b'], scp: ['b', 'c'] }, ['a', 'b', 'c']],
    ['both, none of them twice', { scope: 'a b', scp: ['b', 'c', 'c'] }, ['a', 'b', 'c']],
  ])('%s', (_name, claims, expected) => {
    const { scopes } = read(claims);
    expect(scopes).toEqual(expected);
    expect(isUnreadable(scopes)).toBe(false);
  });

  test('are frozen, where they were made of a text', () => {
    for (const claims of [{ scope: 'a b' }, { scope: 'a  b' }, { scp: 'a' }, { scope: 'a', scp: 'b' }, {}, { scope: 1 }]) {
      expect(Object.isFrozen(read(claims).scopes)).toBe(true);
    }
  });

  test.each<[string, JsonObject]>([
    ['a list with something else in scope', { scope: ['a', null] }],
    ['a number in scope', { scope: 7 }],
    ['a number in scp', { scp: 1 }],
    ['a list with something else in scp', { scp: ['a', 1] }],
    ['an object in scp', { scp: { a: true } }],
    ['a good scope beside a bad scp', { scope: 'a', scp: ['a', null] }],
    ['a bad scope beside a good scp', { scope: { a: true }, scp: 'a' }],
  ])('that can not be read are none, and told from those that are absent: %s', (_name, claims) => {
    const { scopes } = read(claims);
    expect(scopes).toEqual([]);
    expect(isUnreadable(scopes)).toBe(true);
  });
});

describe('rule 99: roles', () => {
  const nested = [['realm_access', 'roles']];

  test.each<[string, JsonObject, string[][], string[]]>([
    ['none', {}, [['roles']], []],
    ['an empty text', { roles: '' }, [['roles']], []],
    ['a text is one role', { roles: 'a b' }, [['roles']], ['a b']],
    ['a list', { roles: ['a', 'b'] }, [['roles']], ['a', 'b']],
    ['along a path', { realm_access: { roles: ['a'] } }, nested, ['a']],
    ['a path that ends early', { realm_access: {} }, nested, []],
    ['a path that does not begin', {}, nested, []],
    ['rule 168: null', { roles: null }, [['roles']], []],
    ['rule 168: a path through null', { realm_access: null }, nested, []],
    ['several paths add up, none of them twice', { roles: ['a', 'b'], groups: ['b', 'c'] }, [['roles'], ['groups']], ['a', 'b', 'c']],
    ['several paths, of which one is absent', { groups: 'c' }, [['roles'], ['groups']], ['c']],
  ])('%s', (_name, claims, rolesFrom, expected) => {
    const { roles } = read(claims, { rolesFrom });
    expect(roles).toEqual(expected);
    expect(isUnreadable(roles)).toBe(false);
  });

  test('are frozen, where they were made here', () => {
    expect(Object.isFrozen(read({ roles: 'a' }).roles)).toBe(true);
    expect(Object.isFrozen(read({ roles: ['a'], groups: ['b'] }, { rolesFrom: [['roles'], ['groups']] }).roles)).toBe(true);
  });

  test.each<[string, JsonObject, string[][]]>([
    ['a number', { roles: 1 }, [['roles']]],
    ['an object', { roles: { admin: true } }, [['roles']]],
    ['a list with something else in it', { roles: ['a', 1] }, [['roles']]],
    ['a path through a text', { realm_access: 'roles' }, nested],
    ['a path through a list', { realm_access: ['roles'] }, nested],
    ['one of several paths', { roles: ['a'], groups: 1 }, [['roles'], ['groups']]],
  ])('that can not be read are none, and told from those that are absent: %s', (_name, claims, rolesFrom) => {
    const { roles } = read(claims, { rolesFrom });
    expect(roles).toEqual([]);
    expect(isUnreadable(roles)).toBe(true);
  });

  test('the mark of what can not be read is that of every copy of this package', () => {
    expect(isUnreadable(Object.defineProperty([], Symbol.for('tokenward.unreadable'), { value: true }))).toBe(true);
    expect(unreadableAs(Object.defineProperty([], Symbol.for('tokenward.unreadable'), { value: true }))).toBe(
      'unreadable: something else than a list of names',
    );
    expect(Object.keys(read({ roles: 1 }).roles)).toEqual([]);
  });
});

describe('scopesClaim: scopes are where the options say, and nowhere else', () => {
  test.each<[string, JsonObject, NamesSource, string[]]>([
    ['a text', { permissions: 'a b', scope: 'x' }, [['permissions']], ['a', 'b']],
    ['a list', { permissions: ['a', 'b'], scp: ['x'] }, [['permissions']], ['a', 'b']],
    ['a path', { grants: { api: ['a'] } }, [['grants', 'api']], ['a']],
    ['several', { scope: 'a', permissions: ['b', 'a'] }, [['scope'], ['permissions']], ['a', 'b']],
    ['nothing there', { scope: 'x' }, [['permissions']], []],
    ['a function', { permissions: 'a,b' }, (claims) => String(claims['permissions']).split(','), ['a', 'b']],
  ])('%s', (_name, claims, scopesFrom, expected) => {
    expect(read(claims, { scopesFrom }).scopes).toEqual(expected);
  });
});

describe('a function reads what no path reaches', () => {
  const fails = (): never => {
    throw new Error('planted');
  };

  test.each<[string, JsonObject, NamesReader, string[]]>([
    ["an object's keys", { 'urn:roles': { admin: { 1: 'x' } } }, (claims) => Object.keys(claims['urn:roles'] as object), ['admin']],
    ['a text with commas', { groups: 'a,b' }, (claims) => String(claims['groups']).split(','), ['a', 'b']],
    ['a list of objects', { groups: [{ name: 'a' }] }, (claims) => (claims['groups'] as { name: string }[]).map(({ name }) => name), ['a']],
    ['none', {}, () => [], []],
  ])('%s', (_name, claims, rolesFrom, expected) => {
    const { roles } = read(claims, { rolesFrom });
    expect(roles).toEqual(expected);
    expect(isUnreadable(roles)).toBe(false);
    expect(Object.isFrozen(roles)).toBe(true);
  });

  test.each<[string, () => unknown]>([
    ['an exception', fails],
    ['a promise', async () => ['a']],
    ['a promise that rejects', () => Promise.reject(new Error('planted'))],
    ['nothing', () => undefined],
    ['null', () => null],
    ['a text', () => 'a'],
    ['a Set', () => new Set(['a'])],
    ['a list with something else', () => ['a', 1]],
    [
      'an object whose then throws',
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- this is what is tried
        get then() {
          return fails();
        },
      }),
    ],
  ])('rule 170: %s is unreadable, and told without a value', (_name, answer) => {
    for (const names of [read({}, { rolesFrom: answer as NamesReader }).roles, read({}, { scopesFrom: answer as NamesReader }).scopes]) {
      expect(names).toEqual([]);
      expect(isUnreadable(names)).toBe(true);
      expect(unreadableAs(names)).toMatch(/^unreadable: the function (?:answered with|failed)/);
      expect(unreadableAs(names)).not.toContain('planted');
    }
  });

  test('it is given claims that it cannot change', () => {
    const { roles } = read({ groups: ['a'] }, { rolesFrom: ({ iss }) => [iss] });
    expect(roles).toEqual([ISSUER]);
  });
});

function read(claims: JsonObject, rules: Partial<ClaimRules> = {}): VerifiedAuth {
  const audiences = 'aud' in claims ? new Set(['api']) : undefined;
  const all = claimRules({ issuer: ISSUER, audiences, ...rules });
  return authFrom({ iss: ISSUER, iat: NOW, exp: NOW + 300, ...claims }, all, NOW);
}
