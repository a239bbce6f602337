import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { authFrom } from '../../test/auth-from.js';
import type { JsonObject } from '../lib/json.js';
import type { Auth } from '../auth/auth.js';
import { evaluatePolicy, necessaryScopes, sufficientScopes } from './evaluate.js';
import { acr, allOf, anyOf, anyRole, anyScope, claim, issuedBy, maxAge, not, policy, role, scope } from './constructors.js';
import type { Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

describe('rules 98 and 99: evaluates policies against the token', () => {
  test.each<[string, Policy, object, boolean]>([
    ['a scope that the token has', scope('a'), { scope: 'a b' }, true],
    ['all of several', scope('a', 'b'), { scope: 'b a' }, true],
    ['not all of several', scope('a', 'b'), { scope: 'a' }, false],
    ['one of several', anyScope('a', 'b'), { scope: 'b' }, true],
    ['none of several', anyScope('a', 'b'), { scope: 'c' }, false],
    ['scopes in scp, as a string', scope('a', 'b'), { scp: 'a b' }, true],
    ['scopes in scp, as a list', scope('a', 'b'), { scp: ['a', 'b'] }, true],
    ['a scope in another case', scope('a'), { scope: 'A' }, false],
    ['a prefix of a scope', scope('orders'), { scope: 'orders:write' }, false],
    ['a scope of which the token has only a prefix', scope('orders:write'), { scope: 'orders' }, false],
    ['a scope next to a TAB', scope('a'), { scope: 'a\tb' }, false],
    ['a scope next to a line break', scope('a'), { scope: 'a\nb' }, false],
    ['a scope next to a no-break space', scope('a'), { scope: 'a\u00a0b' }, false],
    ['a scope next to a comma', scope('a'), { scope: 'a,b' }, false],
    ['a scope in full-width letters', scope('a'), { scope: '\uff41' }, false],
    ['a scope with a soft hyphen', scope('ab'), { scope: 'a\u00adb' }, false],
    ['a scope with spaces in a list', scope('a'), { scp: ['a b'] }, false],
    ['a scope in a nested list', scope('a'), { scp: [['a']] }, false],
    ['scopes that are not strings', scope('1'), { scp: [1] }, false],
    ['a list of scopes with null in it', scope('a'), { scp: ['a', null] }, false],
    ['a scope in an object', scope('a'), { scope: { a: true } }, false],
    ['a list in scope, which is mostly a string', scope('a'), { scope: ['a'] }, true],
    ['a scope in a list within a list', scope('a'), { scope: [['a']] }, false],
    ['no scope', scope('a'), {}, false],
    ['a role that the token has', role('a'), { roles: ['a', 'b'] }, true],
    ['all of several roles', role('a', 'b'), { roles: ['b', 'a'] }, true],
    ['not all of several roles', role('a', 'b'), { roles: ['b'] }, false],
    ['one of several roles', anyRole('a', 'b'), { roles: ['b'] }, true],
    ['none of several roles', anyRole('a', 'b'), { roles: ['c'] }, false],
    ['a role that is a string', role('admin'), { roles: 'admin' }, true],
    ['a role within a string', role('admin'), { roles: 'superadmin' }, false],
    ['a role in a string of several', role('admin'), { roles: 'admin user' }, false],
    ['a role in another case', role('admin'), { roles: ['Admin'] }, false],
    ['a role with a space', role('admin'), { roles: ['admin '] }, false],
    ['a role in a nested list', role('admin'), { roles: [['admin']] }, false],
    ['a role in an object', role('admin'), { roles: { admin: true } }, false],
    ['a role that is a scope', role('a'), { scope: 'a' }, false],
    ['a scope that is a role', scope('a'), { roles: ['a'] }, false],
    ['a claim with the value', claim('tenant', 'x'), { tenant: 'x' }, true],
    ['a claim with another value', claim('tenant', 'x'), { tenant: 'X' }, false],
    ['a claim of another type', claim('level', 1), { level: '1' }, false],
    ['a claim that is true for 1', claim('level', 1), { level: true }, false],
    ['a claim that is a list with the value', claim('tenant', 'x'), { tenant: ['x'] }, false],
    ['a claim that is false', claim('suspended', false), { suspended: false }, true],
    ['a claim that is 0', claim('level', 0), { level: 0 }, true],
    ['an absent claim is not false', claim('suspended', false), {}, false],
    ['a claim that is null is not false', claim('suspended', false), { suspended: null }, false],
    ['not a scope that the token has', not(scope('a')), { scope: 'a' }, false],
    ['not a scope that is absent', not(scope('a')), { scope: 'b' }, true],
    ['not a scope, and the token has none', not(scope('a')), {}, true],
    ['not a role, and roles are unreadable', not(role('suspended')), { roles: [['suspended']] }, false],
    ['not a role, and the list contains a number', not(role('suspended')), { roles: ['a', 1] }, false],
    ['not a scope, and scopes are unreadable', not(scope('a')), { scp: [1] }, false],
    ['not one of several policies, and roles are unreadable', not(anyOf(claim('x', 1), role('a'))), { roles: {} }, false],
    ['not one of several scopes, and the token has another', not(anyScope('a', 'b')), { scope: 'c' }, true],
    ['not one of several scopes, and the token has one', not(anyScope('a', 'b')), { scope: 'b' }, false],
    ['not one of several scopes, and scopes are unreadable', not(anyScope('a', 'b')), { scp: [1] }, false],
    ['not one of several roles, and the token has another', not(anyRole('a', 'b')), { roles: ['c'] }, true],
    ['not one of several roles, and roles are unreadable', not(anyRole('a', 'b')), { roles: [1] }, false],
    ['not a claim value, and the claim has another', not(claim('tenant', 'x')), { tenant: 'y' }, true],
    ['not a claim value, and the claim is absent', not(claim('tenant', 'x')), {}, true],
    ['rule 170: not a claim value, and a list contains it', not(claim('status', 'suspended')), { status: ['suspended'] }, false],
    ['rule 170: not a claim value, and an object contains it', not(claim('status', 'suspended')), { status: { value: 'suspended' } }, false],
    ['rule 170: not a claim value, and the claim is an empty list', not(claim('status', 'suspended')), { status: [] }, false],
    ['rule 170: not true, and the claim is a string', not(claim('suspended', true)), { suspended: 'true' }, false],
    ['rule 170: not true, and the claim is a number', not(claim('suspended', true)), { suspended: 1 }, false],
    ['rule 170: not true, and the claim is false', not(claim('suspended', true)), { suspended: false }, true],
    ['rule 170: not a number, and the claim is a string', not(claim('level', 1)), { level: '1' }, false],
    ['rule 170: not a string, and the claim is a number', not(claim('level', '1')), { level: 1 }, false],
    ['rule 170: not a claim value, and the claim is null', not(claim('status', 'suspended')), { status: null }, true],
    ['rule 170: not a role, and roles are null', not(role('suspended')), { roles: null }, true],
    ['rule 170: not a role, and roles are one string with commas', not(role('suspended')), { roles: 'user,suspended' }, false],
    ['rule 170: not a role, and roles are one string with spaces', not(anyRole('suspended', 'x')), { roles: 'user suspended' }, false],
    ['rule 170: not a role, and a role in a list has a space', not(role('Admins')), { roles: ['Domain Admins', 'x'] }, true],
    ['rule 170: not a scope, and an item of a list contains it', not(scope('suspended')), { scp: ['a suspended'] }, false],
    ['rule 170: not one of several, and one cannot be compared', not(anyOf(issuedBy('https://b.example'), claim('status', 'x'))), { status: ['x'] }, false],
    ['rule 170: not all of several, and one cannot be compared', not(allOf(scope('a'), claim('status', 'x'))), { status: ['x'] }, false],
    ['rule 170: not not a claim value, and it cannot be compared', not(not(claim('status', 'x'))), { status: ['x'] }, false],
    ['rule 170: not not a claim value', not(not(claim('status', 'x'))), { status: 'x' }, true],
    ['rule 170: one of several, and a not cannot be compared', anyOf(not(claim('status', 'x')), scope('a')), { status: ['x'] }, false],
    ['not all of several, and one is missing', not(allOf(scope('a'), scope('b'))), { scope: 'a' }, true],
    ['not one of several, and all are missing', not(anyOf(scope('a'), role('b'))), { scope: 'c' }, true],
    ['not a scope and a role, and roles are unreadable', not(allOf(scope('a'), role('b'))), { scope: 'a', roles: [1] }, false],
    ['not an issuer, and the token is from it', not(issuedBy(ISSUER)), {}, false],
    ['not an issuer, and the token is from another', not(issuedBy('https://login.partner.example')), {}, true],
    ['not not a scope', not(not(scope('a'))), { scope: 'a' }, true],
    ['all of several policies', allOf(scope('a'), role('b')), { scope: 'a', roles: ['b'] }, true],
    ['not all of several policies', allOf(scope('a'), role('b')), { scope: 'a' }, false],
    ['one of several policies', anyOf(scope('a'), role('b')), { roles: ['b'] }, true],
    ['none of several policies', anyOf(scope('a'), role('b')), { roles: ['a'] }, false],
  ])('%s', (_name, policy, claims, satisfied) => {
    expect(failureOf(policy, claims) === undefined).toBe(satisfied);
  });
});

describe('a failure has the expected and the found value', () => {
  test.each<[string, Policy, object, unknown, unknown]>([
    ['scopes', scope('a', 'b'), { scope: 'b c' }, ['a', 'b'], ['b', 'c']],
    ['one of several scopes', anyScope('a', 'b'), { scope: 'c' }, ['a', 'b'], ['c']],
    ['no scopes', scope('a'), {}, ['a'], []],
    ['scopes that are an object', scope('a'), { scope: { a: true } }, ['a'], 'unreadable: an object'],
    ['scopes with a number among them', scope('a'), { scp: ['a', 1] }, ['a'], 'unreadable: an array that contains a number'],
    ['roles', role('a', 'b'), { roles: ['b'] }, ['a', 'b'], ['b']],
    ['one of several roles', anyRole('a', 'b'), { roles: ['c'] }, ['a', 'b'], ['c']],
    ['roles that are an object', role('a'), { roles: { a: {} } }, ['a'], 'unreadable: an object'],
    ['roles that are objects', role('a'), { roles: [{ name: 'a' }] }, ['a'], 'unreadable: an array that contains an object'],
    ['a claim', claim('tenant', 'x'), { tenant: 7 }, 'x', 7],
    ['an absent claim', claim('tenant', 'x'), {}, 'x', undefined],
    ['an issuer', issuedBy('https://b.example'), {}, ['https://b.example'], ISSUER],
    ['a class of login', acr('gold'), { acr: 'silver' }, ['gold'], 'silver'],
    ['the age of a login', maxAge(60), { auth_time: NOW - 100 }, 60, 100],
    ['a login of unknown age', maxAge(60), {}, 60, undefined],
    ['all of several, one missing', allOf(scope('a'), role('b')), { scope: 'a' }, ['b'], []],
    ['all of several scopes', allOf(scope('a'), scope('b', 'c')), { scope: 'a c' }, ['a', 'c', 'b'], ['a', 'c']],
    ['one of several', anyOf(role('b'), scope('a')), {}, ['a'], []],
    ['logins', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, ['gold'], undefined],
  ])('%s', (_name, policy, claims, expected, found) => {
    const { details } = failureOf(policy, claims)!;
    expect(new Set([details.expected].flat())).toEqual(new Set([expected].flat()));
    expect(details.found).toEqual(found);
  });

  test('rule 142: shows only the type of an unreadable value', () => {
    const { details } = failureOf(role('a'), { roles: { 'planted-name': 'planted-value' } })!;
    expect(details.cause).toBe('role("a"): the token\'s roles are unreadable: an object');
    expect(JSON.stringify(details)).not.toContain('planted');
  });

  test('rule 170: the cause says if not cannot compare the value', () => {
    const { details } = failureOf(not(claim('status', 'x')), { status: ['planted-value'] })!;
    expect(details.cause).toBe('not(claim("status", "x")): the token\'s value cannot be compared, so the policy refuses');
    expect(failureOf(not(claim('status', 'x')), { status: 'x' })!.details.cause).toBe('not(claim("status", "x"))');
  });
});

describe('rule 99: reads roles from the configured path', () => {
  const nested = { realm_access: { roles: ['admin'] }, 'https://example.com/roles': ['auditor'], 'realm_access.roles': ['other'] };
  test.each<[string, string[], string, boolean]>([
    ['at the end of a path', ['realm_access', 'roles'], 'admin', true],
    ['under a name with dots', ['https://example.com/roles'], 'auditor', true],
    ['a name with a dot is not a path', ['realm_access.roles'], 'admin', false],
    ['a name with a dot is a name', ['realm_access.roles'], 'other', true],
    ['a path to an absent claim', ['realm_access', 'groups'], 'admin', false],
    ['a path through a list', ['https://example.com/roles', '0'], 'auditor', false],
    ['a path through the prototype', ['__proto__', 'roles'], 'admin', false],
  ])('%s', (_name, rolesPath, name, satisfied) => {
    expect(failureOf(role(name), nested, rolesPath) === undefined).toBe(satisfied);
  });
});

test('rule 97: names of prototype members satisfy nothing unless the token itself has them', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'length', 'valueOf', '0']) {
    for (const policy of [role(name), anyRole(name), scope(name), anyScope(name), claim(name, 'x'), claim(name, () => true)]) {
      expect(failureOf(policy, { roles: ['a'], scope: 'a' }), String(policy)).toBeDefined();
    }
    const own = JSON.parse(`{"scope":"${name}","roles":["${name}"],"${name}":"x"}`) as object;
    for (const policy of [role(name), scope(name), claim(name, 'x'), claim(name, () => true)]) expect(failureOf(policy, own), String(policy)).toBeUndefined();
  }
  expect(failureOf(acr('gold'), JSON.parse('{"__proto__":{"acr":"gold"}}') as object)).toBeDefined();
  expect(failureOf(role('admin'), JSON.parse('{"__proto__":{"roles":["admin"]}}') as object)).toBeDefined();
});

test('rule 97: a polluted prototype grants nothing', () => {
  const planted = { roles: ['admin'], scope: 'a', scp: ['a'], tenant: 'x', acr: 'gold', auth_time: NOW };
  const policies = [role('admin'), scope('a'), claim('tenant', 'x'), acr('gold'), maxAge(60)];
  for (const policy of policies) expect(failureOf(policy, planted), String(policy)).toBeUndefined();
  try {
    // oxlint-disable-next-line no-extend-native -- the test needs it
    for (const [name, value] of Object.entries(planted)) Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
    for (const policy of policies) expect(failureOf(policy, {}), String(policy)).toBeDefined();
    expect(failureOf(role('admin'), { realm_access: {} }, ['realm_access', 'roles'])).toBeDefined();
  } finally {
    for (const name of Object.keys(planted)) Reflect.deleteProperty(Object.prototype, name);
  }
});

describe('rule 100: a predicate admits only by returning true', () => {
  const odd: [string, () => unknown][] = [
    ['false', () => false],
    ['undefined', () => undefined],
    ['null', () => null],
    ['1', () => 1],
    ['a string', () => 'true'],
    ['an object', () => ({})],
    ['a list', () => [true]],
    ['a boxed true', () => Object(true) as unknown],
    ['a function', () => () => true],
    ['a symbol', () => Symbol('true')],
    ['a promise of true', () => Promise.resolve(true)],
    ['a promise that rejects', () => Promise.reject(new Error('secret'))],
    // oxlint-disable unicorn/no-thenable -- the test needs it
    ['a thenable', () => ({ then: (settle: (value: boolean) => void) => settle(true) })],
    ['a thenable that rejects', () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(new Error('secret')) })],
    ['a thenable whose then throws', () => ({ then: () => fail('secret') })],
    // oxlint-enable unicorn/no-thenable
    [
      'a generator',
      function* () {
        yield true;
      },
    ],
    ['an async function', async () => true],
    ['an exception', () => fail('secret')],
    [
      'an exception that is a string',
      () => {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- the test needs it
        throw 'secret';
      },
    ],
    [
      'an exception that is undefined',
      () => {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- the test needs it
        throw undefined;
      },
    ],
    [
      'an exception that is null',
      () => {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- the test needs it
        throw null;
      },
    ],
    [
      'an exception that is true',
      () => {
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- the test needs it
        throw true;
      },
    ],
  ];

  test.each(odd)('%s refuses', async (_name, answer) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const predicate = answer as () => boolean;
      expect(failureOf(policy('mine', predicate), {})).toMatchObject({ reason: 'policy_refused' });
      expect(failureOf(claim('tenant', predicate), { tenant: 'x' })).toMatchObject({ reason: 'insufficient_claim' });
      expect(failureOf(allOf(scope('a'), policy('mine', predicate)), { scope: 'a' })).toMatchObject({ reason: 'policy_refused' });
      expect(failureOf(anyOf(policy('mine', predicate), scope('b')), {})).toBeDefined();
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  test('a result that throws when it is read refuses', () => {
    const answer = {
      // oxlint-disable-next-line unicorn/no-thenable -- the test needs it
      get then(): never {
        return fail('secret');
      },
    };
    expect(
      failureOf(
        policy('mine', () => answer as never),
        {},
      ),
    ).toMatchObject({ reason: 'policy_refused' });
  });

  test('rule 142: shows only the class of what a predicate threw', () => {
    const thrown = Object.assign(new RangeError('secret', { cause: 'secret' }), { name: 'secret', secret: 'secret' });
    const found = failureOf(
      policy('mine', () => {
        throw thrown;
      }),
      {},
    );
    const cause = found!.details.cause as Error;
    expect(cause.name).toBe('PredicateError');
    expect(cause.message).toMatch(/^policy\("mine"\) threw RangeError\. Its message may quote the token/);
    expect(inspect(found, { depth: Infinity, showHidden: true })).not.toContain('secret');
  });

  test('the cause says if a predicate returned a promise', () => {
    const found = failureOf(policy('mine', (async () => true) as unknown as () => boolean), {});
    expect((found!.details.cause as Error).message).toBe('policy("mine") returned a promise; a predicate must be synchronous');
  });

  test.each<[string, unknown]>([
    ['', false],
    [' returned undefined instead of true', undefined],
    [' returned null instead of true', null],
    [' returned a string instead of true', 'true'],
    [' returned an array instead of true', [true]],
    [' returned an object instead of true', {}],
    [' returned an object instead of true', JSON.parse('{"then":true}')],
    [' returned a function instead of true', () => true],
  ])('the cause names the type of the result: policy("mine")%s', (result, answer) => {
    const predicate = () => answer as boolean;
    expect(failureOf(policy('mine', predicate), {})!.details.cause).toBe(`policy("mine")${result}`);
    expect(failureOf(claim('tenant', predicate), { tenant: 'x' })!.details.cause).toBe(`claim("tenant", predicate)${result}`);
  });

  test('true admits, and the predicate gets the value, the auth and the request', () => {
    const request: ProtectedRequest = { method: 'GET', target: '/tenants/x', headers: {} };
    const auth = authWith({ tenant: 'x' });
    const onClaim = vi.fn(() => true);
    const onAuth = vi.fn(() => true);
    const context = { auth, request, nowSeconds: NOW, clockSkewSeconds: 30 };
    expect(evaluatePolicy(allOf(claim('tenant', onClaim), policy('mine', onAuth)), context)).toBeUndefined();
    expect(onClaim).toHaveBeenCalledWith('x', auth, request);
    expect(onAuth).toHaveBeenCalledWith(auth, request);
  });

  test('is not called for a claim that is absent or null', () => {
    const predicate = vi.fn(() => true);
    expect(failureOf(claim('tenant', predicate), {})).toMatchObject({ reason: 'insufficient_claim' });
    expect(failureOf(claim('tenant', predicate), { tenant: null })).toMatchObject({ reason: 'insufficient_claim' });
    expect(predicate).not.toHaveBeenCalled();
  });
});

describe('rule 100: a kind that only a newer copy of this package knows', () => {
  const unknown = Object.assign(Object.create(Object.getPrototypeOf(scope('a'))), { kind: 'unknown' }) as Policy;
  const around = (kind: 'allOf' | 'anyOf', ...policies: Policy[]) =>
    Object.assign(Object.create(Object.getPrototypeOf(scope('a'))), { kind, policies }) as Policy;

  test('refuses, alone and in combinations', () => {
    expect(failureOf(unknown, {})).toEqual({ reason: 'policy_refused', details: { cause: 'a policy of the unknown kind unknown' } });
    expect(failureOf(around('allOf', scope('a'), unknown), { scope: 'a' })).toMatchObject({ reason: 'policy_refused' });
    expect(failureOf(around('anyOf', unknown, scope('b')), { scope: 'a' })).toBeDefined();
    expect(failureOf(around('anyOf', unknown, scope('a')), { scope: 'a' })).toBeUndefined();
  });

  test('refuses inside not, too', () => {
    const notOf = (inner: Policy) => Object.assign(Object.create(Object.getPrototypeOf(scope('a'))), { kind: 'not', policy: inner }) as Policy;
    expect(failureOf(notOf(unknown), {})).toBeDefined();
    expect(failureOf(notOf(around('allOf', scope('a'), unknown)), { scope: 'a' })).toBeDefined();
    expect(failureOf(notOf(policy('mine', () => fail('secret'))), {})).toBeDefined();
    expect(failureOf(notOf(claim('tenant', () => fail('secret'))), { tenant: 'x' })).toBeDefined();
    for (const inner of [acr('gold'), maxAge(60), notOf(unknown), around('anyOf', scope('b'), unknown)])
      expect(failureOf(notOf(inner), { scope: 'a' })).toBeDefined();
  });
});

function failureOf(policy: Policy, claims: object, rolesPath: readonly string[] = ['roles']): PolicyFailure | undefined {
  return evaluatePolicy(policy, { auth: authWith(claims, rolesPath), request: undefined, nowSeconds: NOW, clockSkewSeconds: 30 });
}

/** Reads the claims as a guard does, so that policies are evaluated against the same values. */
function authWith(claims: object, rolesPath: readonly string[] = ['roles']): Auth {
  const rest: JsonObject = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 600, sub: 'alice' };
  for (const [name, value] of Object.entries(claims)) Object.defineProperty(rest, name, { value, enumerable: true });
  return authFrom(rest, claimRules({ issuer: ISSUER, audiences: new Set(['api']), rolesFrom: [rolesPath] }), NOW);
}

function fail(message: string): never {
  throw new Error(message);
}

describe('rule 100: policies of another copy of this package', () => {
  const BRAND = Symbol.for('tokenward.policy');
  const foreign = (members: object) => Object.assign(Object.create({ [BRAND]: true, toString: () => 'text of the other copy' }) as object, members) as Policy;

  test('are evaluated by the kinds of this copy', () => {
    const alien = foreign({ kind: 'scope', scopes: ['a'] });
    expect(failureOf(allOf(alien, role('r')), { scope: 'a', roles: ['r'] })).toBeUndefined();
    expect(failureOf(not(alien), { scope: 'a' })).toMatchObject({ reason: 'policy_refused', details: { cause: 'not(scope("a"))' } });
    expect(failureOf(alien, {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['a'], cause: 'scope("a")' } });
    expect(sufficientScopes(anyOf(role('r'), alien))).toEqual(['a']);
  });

  test('cannot be negated if their opposite would admit when they fail', () => {
    expect(() => not(foreign({ kind: 'acr', values: ['gold'] }))).toThrow('acr("gold") contains something else');
  });

  test('are not accepted if this copy does not know their kind, and refuse if they are evaluated anyway', () => {
    const unknown = foreign({ kind: 'constructor' });
    expect(() => allOf(unknown)).toThrow('not a policy');
    const around = foreign({ kind: 'anyOf', policies: [scope('b'), unknown] });
    expect(failureOf(around, { scope: 'a' })!.details.cause).toBe('anyOf(scope("b"), constructor(...))');
    expect(sufficientScopes(unknown)).toEqual([]);
  });
});

test.each<[Policy, readonly string[]]>([
  [scope('a', 'b'), ['a', 'b']],
  [anyScope('a', 'b'), []],
  [anyScope('a'), []],
  [allOf(scope('a'), role('r'), allOf(scope('a', 'b')), anyScope('c')), ['a', 'b']],
  [anyOf(scope('a'), scope('a')), []],
  [not(scope('a')), []],
  [role('r'), []],
  [acr('gold'), []],
])('every token needs these scopes for %s: %j', (required, expected) => {
  expect(necessaryScopes(required)).toEqual(expected);
});
