import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { authFrom } from '../../test/auth-from.js';
import type { JsonObject } from '../lib/json.js';
import type { Auth } from '../auth/auth.js';
import { evaluatePolicy, mentionedScopes, necessaryScopes, sufficientScopes } from './evaluate.js';
import { acr, allOf, anyOf, anyRole, anyScope, claim, issuedBy, maxAge, not, policy, role, scope } from './constructors.js';
import type { Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

describe('rules 98 and 99: evaluates policies against the token', () => {
  test.each<[string, Policy, object, boolean]>([
    ['scope is satisfied if the token has the scope', scope('a'), { scope: 'a b' }, true],
    ['scope is satisfied if the token has all scopes', scope('a', 'b'), { scope: 'b a' }, true],
    ['scope fails if the token has only one of two scopes', scope('a', 'b'), { scope: 'a' }, false],
    ['anyScope is satisfied if the token has one of the scopes', anyScope('a', 'b'), { scope: 'b' }, true],
    ['anyScope fails if the token has none of the scopes', anyScope('a', 'b'), { scope: 'c' }, false],
    ['scope is satisfied if scp is a string with all scopes', scope('a', 'b'), { scp: 'a b' }, true],
    ['scope is satisfied if scp is a list with all scopes', scope('a', 'b'), { scp: ['a', 'b'] }, true],
    ['scope fails if the token has it in another case', scope('a'), { scope: 'A' }, false],
    ['scope fails if the token has a longer scope', scope('orders'), { scope: 'orders:write' }, false],
    ['scope fails if the token has only a prefix of the scope', scope('orders:write'), { scope: 'orders' }, false],
    ['scope fails if a TAB follows it', scope('a'), { scope: 'a\tb' }, false],
    ['scope fails if a line break follows it', scope('a'), { scope: 'a\nb' }, false],
    ['scope fails if a no-break space follows it', scope('a'), { scope: 'a\u00a0b' }, false],
    ['scope fails if a comma follows it', scope('a'), { scope: 'a,b' }, false],
    ['scope fails if the token has it in full-width letters', scope('a'), { scope: '\uff41' }, false],
    ['scope fails if the token has it with a soft hyphen', scope('ab'), { scope: 'a\u00adb' }, false],
    ['scope fails if an item of the scp list is two scopes with a space', scope('a'), { scp: ['a b'] }, false],
    ['scope fails if the scp list is nested', scope('a'), { scp: [['a']] }, false],
    ['scope fails if the scp list contains a number', scope('1'), { scp: [1] }, false],
    ['scope fails if the scp list contains null', scope('a'), { scp: ['a', null] }, false],
    ['scope fails if the scope claim is an object', scope('a'), { scope: { a: true } }, false],
    ['scope is satisfied if the scope claim is a list instead of a string', scope('a'), { scope: ['a'] }, true],
    ['scope fails if the scope claim is a nested list', scope('a'), { scope: [['a']] }, false],
    ['scope fails if the token has no scope claim', scope('a'), {}, false],
    ['role is satisfied if the token has the role', role('a'), { roles: ['a', 'b'] }, true],
    ['role is satisfied if the token has all roles', role('a', 'b'), { roles: ['b', 'a'] }, true],
    ['role fails if the token has only one of two roles', role('a', 'b'), { roles: ['b'] }, false],
    ['anyRole is satisfied if the token has one of the roles', anyRole('a', 'b'), { roles: ['b'] }, true],
    ['anyRole fails if the token has none of the roles', anyRole('a', 'b'), { roles: ['c'] }, false],
    ['role is satisfied if roles is a string with that role', role('admin'), { roles: 'admin' }, true],
    ['role fails if roles is a longer string that contains the role', role('admin'), { roles: 'superadmin' }, false],
    ['role fails if roles is a string of several words', role('admin'), { roles: 'admin user' }, false],
    ['role fails if the token has it in another case', role('admin'), { roles: ['Admin'] }, false],
    ['role fails if the token has it with a trailing space', role('admin'), { roles: ['admin '] }, false],
    ['role fails if the roles list is nested', role('admin'), { roles: [['admin']] }, false],
    ['role fails if roles is an object', role('admin'), { roles: { admin: true } }, false],
    ['role fails if the token has it as a scope', role('a'), { scope: 'a' }, false],
    ['scope fails if the token has it as a role', scope('a'), { roles: ['a'] }, false],
    ['claim is satisfied if the claim has the value', claim('tenant', 'x'), { tenant: 'x' }, true],
    ['claim fails if the claim has the value in another case', claim('tenant', 'x'), { tenant: 'X' }, false],
    ['claim fails if the claim is a string instead of a number', claim('level', 1), { level: '1' }, false],
    ['claim fails if the claim is true instead of 1', claim('level', 1), { level: true }, false],
    ['claim fails if the claim is a list with the value', claim('tenant', 'x'), { tenant: ['x'] }, false],
    ['claim is satisfied if false is required, and the claim is false', claim('suspended', false), { suspended: false }, true],
    ['claim is satisfied if 0 is required, and the claim is 0', claim('level', 0), { level: 0 }, true],
    ['claim fails if false is required, and the claim is absent', claim('suspended', false), {}, false],
    ['claim fails if false is required, and the claim is null', claim('suspended', false), { suspended: null }, false],
    ['not(scope) fails if the token has the scope', not(scope('a')), { scope: 'a' }, false],
    ['not(scope) is satisfied if the token has another scope', not(scope('a')), { scope: 'b' }, true],
    ['not(scope) is satisfied if the token has no scope', not(scope('a')), {}, true],
    ['not(role) fails if roles are unreadable', not(role('suspended')), { roles: [['suspended']] }, false],
    ['not(role) fails if the roles list contains a number', not(role('suspended')), { roles: ['a', 1] }, false],
    ['not(scope) fails if scopes are unreadable', not(scope('a')), { scp: [1] }, false],
    ['not(anyOf) fails if roles are unreadable', not(anyOf(claim('x', 1), role('a'))), { roles: {} }, false],
    ['not(anyScope) is satisfied if the token has another scope', not(anyScope('a', 'b')), { scope: 'c' }, true],
    ['not(anyScope) fails if the token has one of the scopes', not(anyScope('a', 'b')), { scope: 'b' }, false],
    ['not(anyScope) fails if scopes are unreadable', not(anyScope('a', 'b')), { scp: [1] }, false],
    ['not(anyRole) is satisfied if the token has another role', not(anyRole('a', 'b')), { roles: ['c'] }, true],
    ['not(anyRole) fails if roles are unreadable', not(anyRole('a', 'b')), { roles: [1] }, false],
    ['not(claim) is satisfied if the claim has another value', not(claim('tenant', 'x')), { tenant: 'y' }, true],
    ['not(claim) is satisfied if the claim is absent', not(claim('tenant', 'x')), {}, true],
    ['rule 170: not(claim) fails if the claim is a list with the value', not(claim('status', 'suspended')), { status: ['suspended'] }, false],
    ['rule 170: not(claim) fails if the claim is an object with the value', not(claim('status', 'suspended')), { status: { value: 'suspended' } }, false],
    ['rule 170: not(claim) fails if the claim is an empty list', not(claim('status', 'suspended')), { status: [] }, false],
    ['rule 170: not(claim) fails if true is excluded, and the claim is a string', not(claim('suspended', true)), { suspended: 'true' }, false],
    ['rule 170: not(claim) fails if true is excluded, and the claim is a number', not(claim('suspended', true)), { suspended: 1 }, false],
    ['rule 170: not(claim) is satisfied if true is excluded, and the claim is false', not(claim('suspended', true)), { suspended: false }, true],
    ['rule 170: not(claim) fails if a number is excluded, and the claim is a string', not(claim('level', 1)), { level: '1' }, false],
    ['rule 170: not(claim) fails if a string is excluded, and the claim is a number', not(claim('level', '1')), { level: 1 }, false],
    ['rule 170: not(claim) is satisfied if the claim is null', not(claim('status', 'suspended')), { status: null }, true],
    ['rule 170: not(role) is satisfied if roles are null', not(role('suspended')), { roles: null }, true],
    ['rule 170: not(role) fails if roles is a string with commas', not(role('suspended')), { roles: 'user,suspended' }, false],
    ['rule 170: not(anyRole) fails if roles is a string with spaces', not(anyRole('suspended', 'x')), { roles: 'user suspended' }, false],
    ['rule 170: not(role) is satisfied if a role in the list has a space', not(role('Admins')), { roles: ['Domain Admins', 'x'] }, true],
    ['rule 170: not(scope) fails if an item of the scp list contains the scope', not(scope('suspended')), { scp: ['a suspended'] }, false],
    ['rule 170: not(anyOf) fails if a claim cannot be compared', not(anyOf(issuedBy('https://b.example'), claim('status', 'x'))), { status: ['x'] }, false],
    ['rule 170: not(allOf) fails if a claim cannot be compared', not(allOf(scope('a'), claim('status', 'x'))), { status: ['x'] }, false],
    ['rule 170: not(not(claim)) fails if the claim cannot be compared', not(not(claim('status', 'x'))), { status: ['x'] }, false],
    ['rule 170: not(not(claim)) is satisfied if the claim has the value', not(not(claim('status', 'x'))), { status: 'x' }, true],
    [
      'rule 170: anyOf(not(claim), scope) fails if the claim cannot be compared and the scope is missing',
      anyOf(not(claim('status', 'x')), scope('a')),
      { status: ['x'] },
      false,
    ],
    ['not(allOf) is satisfied if the token has only one of two scopes', not(allOf(scope('a'), scope('b'))), { scope: 'a' }, true],
    ['not(anyOf) is satisfied if the token satisfies none of the policies', not(anyOf(scope('a'), role('b'))), { scope: 'c' }, true],
    ['not(allOf) fails if roles are unreadable', not(allOf(scope('a'), role('b'))), { scope: 'a', roles: [1] }, false],
    ['not(issuedBy) fails if the token is from that issuer', not(issuedBy(ISSUER)), {}, false],
    ['not(issuedBy) is satisfied if the token is from another issuer', not(issuedBy('https://login.partner.example')), {}, true],
    ['rule 170: not(scope) fails if an item contains one of its scopes', not(scope('suspended', 'x')), { scp: ['a,suspended'] }, false],
    ['not(not(scope)) is satisfied if the token has the scope', not(not(scope('a'))), { scope: 'a' }, true],
    ['allOf is satisfied if the token satisfies all policies', allOf(scope('a'), role('b')), { scope: 'a', roles: ['b'] }, true],
    ['allOf fails if the token satisfies only one policy', allOf(scope('a'), role('b')), { scope: 'a' }, false],
    ['anyOf is satisfied if the token satisfies one policy', anyOf(scope('a'), role('b')), { roles: ['b'] }, true],
    ['anyOf fails if the token satisfies none of the policies', anyOf(scope('a'), role('b')), { roles: ['a'] }, false],
  ])('%s', (_name, policy, claims, satisfied) => {
    expect(failureOf(policy, claims) === undefined).toBe(satisfied);
  });
});

describe('a failure contains the expected value and the found value', () => {
  test.each<[string, Policy, object, unknown, unknown]>([
    ['several scopes', scope('a', 'b'), { scope: 'b c' }, ['a', 'b'], ['b', 'c']],
    ['alternative scopes', anyScope('a', 'b'), { scope: 'c' }, ['a', 'b'], ['c']],
    ['a token without scopes', scope('a'), {}, ['a'], []],
    ['scopes that are an object', scope('a'), { scope: { a: true } }, ['a'], 'unreadable: an object'],
    ['scopes with a number among them', scope('a'), { scp: ['a', 1] }, ['a'], 'unreadable: an array that contains a number'],
    ['several roles', role('a', 'b'), { roles: ['b'] }, ['a', 'b'], ['b']],
    ['alternative roles', anyRole('a', 'b'), { roles: ['c'] }, ['a', 'b'], ['c']],
    ['roles that are an object', role('a'), { roles: { a: {} } }, ['a'], 'unreadable: an object'],
    ['roles that are objects', role('a'), { roles: [{ name: 'a' }] }, ['a'], 'unreadable: an array that contains an object'],
    ['a claim', claim('tenant', 'x'), { tenant: 7 }, 'x', 7],
    ['an absent claim', claim('tenant', 'x'), {}, 'x', undefined],
    ['an issuer', issuedBy('https://b.example'), {}, ['https://b.example'], ISSUER],
    ['an acr value', acr('gold'), { acr: 'silver' }, ['gold'], 'silver'],
    ['the age of a login', maxAge(60), { auth_time: NOW - 100 }, 60, 100],
    ['a login of unknown age', maxAge(60), {}, 60, undefined],
    ['allOf with one policy that fails', allOf(scope('a'), role('b')), { scope: 'a' }, ['b'], []],
    ['allOf of scopes', allOf(scope('a'), scope('b', 'c')), { scope: 'a c' }, ['a', 'c', 'b'], ['a', 'c']],
    ['anyOf', anyOf(role('b'), scope('a')), {}, ['a'], []],
    ['allOf of an acr value and a maximum age', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, ['gold'], undefined],
    ['anyOf of acr values', anyOf(acr('gold'), acr('silver')), { acr: 'iron' }, ['gold', 'silver'], 'iron'],
    ['allOf of acr values, of which both policies accept one', allOf(acr('gold', 'silver'), acr('silver', 'iron')), { acr: 'gold' }, ['silver'], 'gold'],
    ['anyOf of ages', anyOf(maxAge(60), allOf(acr('gold'), maxAge(300))), { auth_time: NOW - 100 }, 60, 100],
  ])('the failure of %s', (_name, policy, claims, expected, found) => {
    const { details } = failureOf(policy, claims)!;
    expect(new Set([details.expected].flat())).toEqual(new Set([expected].flat()));
    expect(details.found).toEqual(found);
  });

  test('rule 142: shows only the type of an unreadable value', () => {
    const { details } = failureOf(role('a'), { roles: { 'planted-name': 'planted-value' } })!;
    expect(details.cause).toBe('role("a"): the token\'s roles are unreadable: an object');
    expect(failureOf(scope('a'), { scope: { a: true } })!.details.cause).toBe('scope("a"): the token\'s scopes are unreadable: an object');
    expect(JSON.stringify(details)).not.toContain('planted');
  });

  test('rule 170: the cause says that not() cannot compare the value', () => {
    const { details } = failureOf(not(claim('status', 'x')), { status: ['planted-value'] })!;
    expect(details.cause).toBe('not(claim("status", "x")): the token\'s value cannot be compared, so the policy refuses');
    expect(failureOf(not(claim('status', 'x')), { status: 'x' })!.details.cause).toBe('not(claim("status", "x"))');
  });
});

describe('rule 99: reads roles from the configured path', () => {
  const nested = { realm_access: { roles: ['admin'] }, 'https://example.com/roles': ['auditor'], 'realm_access.roles': ['other'] };
  test.each<[string, string[], string, boolean]>([
    ['finds roles at the end of a path', ['realm_access', 'roles'], 'admin', true],
    ['finds roles under a name with dots', ['https://example.com/roles'], 'auditor', true],
    ['does not read a name with a dot as a path', ['realm_access.roles'], 'admin', false],
    ['reads a name with a dot as one name', ['realm_access.roles'], 'other', true],
    ['finds no roles if the path leads to an absent claim', ['realm_access', 'groups'], 'admin', false],
    ['does not follow a path through a list', ['https://example.com/roles', '0'], 'auditor', false],
    ['does not follow a path through the prototype', ['__proto__', 'roles'], 'admin', false],
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
  const predicates: [string, () => unknown][] = [
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

  test.each(predicates)('a predicate that gives %s refuses', async (_name, answer) => {
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

  test('a predicate refuses if reading its result throws', () => {
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

  test('the cause says that a predicate returned a promise', () => {
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
  ])('the cause names the type of the result: "policy("mine")%s"', (result, answer) => {
    const predicate = () => answer as boolean;
    expect(failureOf(policy('mine', predicate), {})!.details.cause).toBe(`policy("mine")${result}`);
    expect(failureOf(claim('tenant', predicate), { tenant: 'x' })!.details.cause).toBe(`claim("tenant", predicate)${result}`);
  });

  test('a predicate that returns true admits, and gets the claim value, the auth and the request', () => {
    const request: ProtectedRequest = { method: 'GET', target: '/tenants/x', headers: {} };
    const auth = authWith({ tenant: 'x' });
    const onClaim = vi.fn(() => true);
    const onAuth = vi.fn(() => true);
    const context = { auth, request, nowSeconds: NOW, clockSkewSeconds: 30 };
    expect(evaluatePolicy(allOf(claim('tenant', onClaim), policy('mine', onAuth)), context)).toBeUndefined();
    expect(onClaim).toHaveBeenCalledWith('x', auth, request);
    expect(onAuth).toHaveBeenCalledWith(auth, request);
  });

  test('a predicate is not called for a claim that is absent or null', () => {
    const predicate = vi.fn(() => true);
    expect(failureOf(claim('tenant', predicate), {})).toMatchObject({ reason: 'insufficient_claim' });
    expect(failureOf(claim('tenant', predicate), { tenant: null })).toMatchObject({ reason: 'insufficient_claim' });
    expect(predicate).not.toHaveBeenCalled();
  });
});

describe('rule 100: a policy of a kind that only a newer copy of this package knows', () => {
  const unknown = Object.assign(Object.create(Object.getPrototypeOf(scope('a'))), { kind: 'unknown' }) as Policy;
  const around = (kind: 'allOf' | 'anyOf', ...policies: Policy[]) =>
    Object.assign(Object.create(Object.getPrototypeOf(scope('a'))), { kind, policies }) as Policy;

  test('refuses by itself, and counts as failed in combinations', () => {
    expect(failureOf(unknown, {})).toEqual({ reason: 'policy_refused', details: { cause: 'a policy of the unknown kind unknown' } });
    expect(failureOf(around('allOf', scope('a'), unknown), { scope: 'a' })).toMatchObject({ reason: 'policy_refused' });
    expect(failureOf(around('anyOf', unknown, scope('b')), { scope: 'a' })).toBeDefined();
    expect(failureOf(around('anyOf', unknown, scope('a')), { scope: 'a' })).toBeUndefined();
  });

  test('refuses inside not() too, like every policy that cannot be negated', () => {
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

/** Reads the claims as a guard does, so that policies see the same values. */
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

  test('are evaluated by the code of this copy', () => {
    const alien = foreign({ kind: 'scope', scopes: ['a'] });
    expect(failureOf(allOf(alien, role('r')), { scope: 'a', roles: ['r'] })).toBeUndefined();
    expect(failureOf(not(alien), { scope: 'a' })).toMatchObject({ reason: 'policy_refused', details: { cause: 'not(scope("a"))' } });
    expect(failureOf(alien, {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['a'], cause: 'scope("a")' } });
    expect(sufficientScopes(anyOf(role('r'), alien))).toEqual(['a']);
  });

  test('cannot be negated if they are of a kind whose failure must not admit', () => {
    expect(() => not(foreign({ kind: 'acr', values: ['gold'] }))).toThrow('acr("gold") contains something else');
  });

  test('throw if this copy does not know their kind, and refuse inside a policy of that other copy', () => {
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
])('necessaryScopes of %s returns %j', (required, expected) => {
  expect(necessaryScopes(required)).toEqual(expected);
});

test.each<[Policy, readonly string[]]>([
  [anyScope('a', 'b'), ['a', 'b']],
  [anyOf(role('r'), scope('a'), allOf(scope('b'), scope('c'))), ['a', 'b', 'c']],
  [not(scope('a')), []],
])('mentionedScopes of %s returns those of all alternatives: %j', (required, expected) => {
  expect(mentionedScopes(required)).toEqual(expected);
});
