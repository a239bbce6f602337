import { inspect } from 'node:util';
import { ConfigurationError, isPolicy, not, role, scope, type RouteRequirements, type Decision, type ProtectedRequest } from '@tokenward/core';
import { describe, expect, test } from 'vitest';
import { createScene, expectAllowed, verdictOf } from './guarded.js';

const notPolicies: unknown[] = ['admin', [scope('a')], () => scope('a'), { kind: 'nothing' }, { kind: 'scope', scopes: [] }, null, 7, {}];

describe('rule 96: throws for anything that is not a policy', () => {
  test.each(notPolicies)('check() throws with %o as the policy', async (policy) => {
    const { guard, issuer } = await createScene();
    const headers = { authorization: `Bearer ${await issuer.issueToken()}` };
    expect(() => guard.check({ method: 'GET', target: '/', headers }, { policy } as RouteRequirements)).toThrow(/requirements\.policy: is .*, not a policy/);
  });

  test.each([undefined, ...notPolicies])('permit() throws with %o as the policy', async (policy) => {
    const { guard, decide } = await createScene();
    const { auth } = expectAllowed(await decide({}));
    expect(() => guard.permit(auth!, policy as never)).toThrow(/permit\(auth, policy\): is .*, not a policy/);
  });

  test.each<[unknown, RegExp]>([
    [scope('a'), /requirements: is a policy: write \{ policy: scope\('orders:read'\) \}/],
    [[scope('a')], /requirements: is a list/],
    [null, /requirements: is null: write \{ policy/],
    ['a', /requirements: is string/],
    [() => scope('a'), /requirements: is function/],
    [{ polcy: scope('a') }, /requirements\.polcy: is not an option: did you mean policy\?/],
    [{ policies: [scope('a')] }, /requirements\.policies: is not an option/],
  ])('check() throws with %o as the requirements', async (requirements, message) => {
    const { guard, issuer } = await createScene();
    const headers = { authorization: `Bearer ${await issuer.issueToken()}` };
    expect(() => guard.check({ method: 'GET', target: '/', headers }, requirements as RouteRequirements)).toThrow(message);
  });

  test.each<[unknown, RegExp]>([
    [null, /permit\(auth, policy\): auth must be .*\(got null\)/],
    [undefined, /auth must be the auth of a decision that allows \(got undefined\)/],
    ['user-1', /auth must be .*\(got string\)/],
    [{}, /auth must be .*\(got object\)/],
    [Promise.resolve({}), /auth is a promise\. Await it first/],
    [{ claims: null, scopes: ['a'], roles: [] }, /auth must be .*\(got object\)/],
    // a text has parts that a list has not
    [{ claims: {}, scopes: 'ab', roles: [] }, /auth\.scopes: must be a list of names \(got string\)/],
    [{ claims: {}, scopes: ['a'], roles: 'administrator' }, /auth\.roles: must be a list of names \(got string\)/],
    [{ claims: {}, scopes: ['a'] }, /auth\.roles: must be a list of names \(got undefined\)/],
  ])('rule 255: permit() throws with %o as the auth', async (auth, message) => {
    const { guard } = await createScene();
    expect(() => guard.permit(auth as never, scope('a'))).toThrow(message);
    expect(() => guard.permit(auth as never, scope('a'))).toThrow(ConfigurationError);
  });

  test('a polluted prototype does not make check() throw', async () => {
    const { guard, issuer } = await createScene();
    const headers = { authorization: `Bearer ${await issuer.issueToken()}` };
    // oxlint-disable-next-line no-extend-native -- the pollution under test
    Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true, writable: true });
    try {
      expect(await guard.check({ method: 'GET', target: '/', headers }, {})).toMatchObject({ outcome: 'allow' });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
  });

  test.each([
    ['credentials', 'optional'],
    ['preflight', 'pass'],
  ])('a polluted prototype with the member %s: %s loosens no requirement', async (name, planted) => {
    const { guard } = await createScene();
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
    // oxlint-disable-next-line no-extend-native -- the pollution under test
    Object.defineProperty(Object.prototype, name, { value: planted, enumerable: true, configurable: true, writable: true });
    try {
      for (const method of ['GET', 'OPTIONS']) {
        for (const requirements of [undefined, {}, { policy: scope('a') }]) {
          expect(await guard.check({ method, target: '/', headers: preflight }, requirements)).toMatchObject({ outcome: 'deny' });
        }
      }
    } finally {
      Reflect.deleteProperty(Object.prototype, name);
    }
  });

  test.each(['reason', 'token', 'auth', 'outcome'])('a polluted prototype with the member %s changes no decision', async (name) => {
    const { guard, issuer } = await createScene();
    const headers = { authorization: `Bearer ${await issuer.issueToken()}` };
    const { auth } = expectAllowed(await guard.check({ method: 'GET', target: '/', headers }));
    const planted = { reason: 'expired', token: headers.authorization.slice('Bearer '.length), auth, outcome: 'allow' }[name];
    const foreign = { authorization: `Bearer ${await (await createScene()).issuer.issueToken()}` };
    // oxlint-disable-next-line no-extend-native -- the pollution under test
    Object.defineProperty(Object.prototype, name, { value: planted, enumerable: true, configurable: true, writable: true });
    try {
      expect(await guard.check({ method: 'GET', target: '/', headers })).toMatchObject({ outcome: 'allow' });
      for (const refused of [{}, { authorization: 'Basic abc' }, { authorization: 'Bearer' }, { authorization: 'Bearer a.b.c' }, foreign]) {
        expect(await guard.check({ method: 'GET', target: '/', headers: refused })).toMatchObject({ outcome: 'deny' });
      }
    } finally {
      Reflect.deleteProperty(Object.prototype, name);
    }
  });

  test('does not allow a policy whose kind only a newer copy of the package knows', async () => {
    const newer = Object.assign(Object.create(Object.getPrototypeOf(scope('a')) as object), { kind: 'moonPhase' }) as ReturnType<typeof scope>;
    expect(isPolicy(newer)).toBe(false);
    expect(isPolicy(scope('a'))).toBe(true);
    const smuggled = Object.assign(Object.create(Object.getPrototypeOf(scope('a')) as object), {
      kind: 'anyOf',
      policies: [role('admin'), newer],
    }) as ReturnType<typeof scope>;
    const { verdict } = await createScene();
    expect(await verdict({}, { policy: smuggled })).not.toBe('allow');
  });
});

describe('repeated checks of one request', () => {
  test('rule 65: refuses the same request once its token expires', async () => {
    const { guard, issuer, clock } = await createScene({ clockSkewSeconds: 0 });
    const request: ProtectedRequest = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken({ lifetimeSeconds: 60 })}` } };
    expect(verdictOf(await guard.check(request))).toBe('allow');
    clock.advance(59);
    expect(verdictOf(await guard.check(request))).toBe('allow');
    clock.advance(2);
    expect(verdictOf(await guard.check(request))).toBe('expired');
  });

  test('verifies the same request again after an outage', async () => {
    const { guard, issuer, clock } = await createScene();
    issuer.misbehave('error');
    const request: ProtectedRequest = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
    expect(verdictOf(await guard.check(request))).toBe('keys_unavailable');
    issuer.behave();
    clock.advance(2);
    expect(verdictOf(await guard.check(request))).toBe('allow');
  });

  test('rule 156: never memoises an outage, even if the refusal came without a promise', async () => {
    const { guard, issuer, clock } = await createScene();
    issuer.misbehave('error');
    const headers = { authorization: `Bearer ${await issuer.issueToken()}` };
    expect(verdictOf(await guard.check({ method: 'GET', target: '/', headers }))).toBe('keys_unavailable');
    const request: ProtectedRequest = { method: 'GET', target: '/', headers };
    // no fetch happens during the back-off, so the answer is immediate
    const during = guard.check(request);
    expect(during).not.toBeInstanceOf(Promise);
    expect(verdictOf(await during)).toBe('keys_unavailable');
    issuer.behave();
    clock.advance(2);
    expect(verdictOf(await guard.check(request))).toBe('allow');
  });

  test('returns the decision for a cached token without a promise', async () => {
    const { guard, issuer } = await createScene();
    const request: ProtectedRequest = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
    const first = guard.check(request);
    expect(first).toBeInstanceOf(Promise);
    await first;
    expect(guard.check(request, { policy: scope('a') })).toMatchObject({ outcome: 'deny', reason: 'insufficient_scope' });
  });

  test('rule 157: reading a member of a decision that was not awaited throws', async () => {
    const { guard, issuer } = await createScene();
    const headers = { authorization: `Bearer ${await issuer.issueToken({ header: { kid: 'made-up' } })}` };
    const decision = guard.check({ method: 'GET', target: '/', headers }) as Promise<Decision> & Decision;
    expect(decision).toBeInstanceOf(Promise);
    for (const member of ['outcome', 'status', 'reason', 'auth'] as const) {
      expect(() => (decision as unknown as Record<string, unknown>)[member]).toThrow(/await guard\.check/);
    }
    expect(inspect(decision)).not.toContain('outcome');
    expect(verdictOf(await decision)).toBe('unknown_key');
  });

  test('checks one request for different requirements at the same time without mixing them, and verifies it once', async () => {
    const { guard, issuer } = await createScene();
    const request: ProtectedRequest = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'] })}` } };
    const decisions = await Promise.all([guard.check(request), guard.check(request, { policy: scope('a') }), guard.check(request, { policy: scope('b') })]);
    expect(decisions.map(verdictOf)).toEqual(['allow', 'allow', 'insufficient_scope']);
    expect(issuer.requests.jwks).toBe(1);
  });
});

describe('rule 108: a preflight', () => {
  const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'DELETE' };
  const outcomeOf = async (
    headers: Record<string, string>,
    requirements: RouteRequirements = { preflight: 'pass' },
    method = 'OPTIONS',
    target = '/',
  ): Promise<string> => {
    const { guard } = await createScene();
    return verdictOf(await guard.check({ method, target, headers }, requirements));
  };

  test('passes without an auth', async () => {
    const { guard } = await createScene();
    expect(await guard.check({ method: 'OPTIONS', target: '/', headers: PREFLIGHT }, { policy: scope('a'), preflight: 'pass' })).toEqual({
      outcome: 'allow',
      auth: undefined,
      headers: {},
    });
    expect(await outcomeOf({ ...PREFLIGHT, 'access-control-request-headers': 'authorization', 'content-length': '0' })).toBe('allow');
  });

  test.each([
    ['no origin', { 'access-control-request-method': 'GET' }],
    ['no requested method', { origin: 'https://app.example.test' }],
    ['credentials', { ...PREFLIGHT, authorization: 'Basic dTpw' }],
    ['a cookie', { ...PREFLIGHT, cookie: 'a=b' }],
    ['a body', { ...PREFLIGHT, 'content-length': '1' }],
    ['a chunked body', { ...PREFLIGHT, 'transfer-encoding': 'chunked' }],
    ['a content type', { ...PREFLIGHT, 'content-type': 'application/json' }],
    ['a method override', { ...PREFLIGHT, 'x-http-method-override': 'DELETE' }],
  ])('does not pass with %s', async (_what, headers) => {
    expect(await outcomeOf(headers as Record<string, string>)).not.toBe('allow');
  });

  test('does not pass with another method', async () => {
    for (const method of ['GET', 'options', 'Options', 'HEAD', 'POST']) expect(await outcomeOf(PREFLIGHT, { preflight: 'pass' }, method)).toBe('missing_token');
  });

  test('does not pass unless the requirements say preflight: pass', async () => {
    for (const preflight of ['refuse', undefined, 'Pass', true, 'deny'])
      expect(await outcomeOf(PREFLIGHT, { preflight } as RouteRequirements)).toBe('missing_token');
  });

  test('does not pass with a method override in its query, even if it is percent-encoded', async () => {
    for (const query of ['_method=DELETE', 'a=1&_method=PUT', '%5Fmethod=DELETE', '_method'])
      expect(await outcomeOf(PREFLIGHT, undefined, 'OPTIONS', `/?${query}`)).toBe('missing_token');
    expect(await outcomeOf(PREFLIGHT, undefined, 'OPTIONS', '/pay?payment_method=card')).toBe('allow');
  });
});

test('refuses tokens while the clock does not return a number, and reports such a clock at start-up', async () => {
  let broken = false;
  const { verdict } = await createScene(
    { clock: { now: () => (broken ? Number.NaN : Date.now()), monotonic: () => 0 }, maxTokenAgeSeconds: 60 },
    { clock: { now: () => Date.now() } },
  );
  expect(await verdict({})).toBe('allow');
  broken = true;
  expect(await verdict({})).toBe('expired');
  for (const now of [() => Number.NaN, () => undefined, () => Promise.resolve(1), () => '2030-01-01', () => 1n]) {
    await expect(createScene({ clock: { now, monotonic: () => 0 } as never })).rejects.toThrow(/clock: needs the functions/);
  }
});

test('rule 49: refuses not() if scopes or roles cannot be read', async () => {
  const { verdict } = await createScene();
  for (const claims of [{ roles: { suspended: true } }, { roles: ['x', 7] }, { roles: 7 }]) {
    expect(await verdict({ claims }, { policy: not(role('suspended')) })).toBe('policy_refused');
    expect(await verdict({ claims }, { policy: role('suspended') })).toBe('insufficient_role');
    expect(await verdict({ claims })).toBe('allow');
  }
  for (const claims of [{ scp: ['suspended', 5] }, { scope: { suspended: true } }, { scope: 'a', scp: {} }]) {
    expect(await verdict({ claims }, { policy: not(scope('suspended')) })).toBe('policy_refused');
    expect(await verdict({ claims }, { policy: scope('a') })).toBe('insufficient_scope');
  }
  const nested = await createScene({ rolesClaim: ['realm_access', 'roles'] });
  for (const access of [[], 'x', 7, { roles: [['suspended']] }]) {
    expect(await nested.verdict({ claims: { realm_access: access } }, { policy: not(role('suspended')) })).toBe('policy_refused');
  }
  expect(await nested.verdict({ claims: { realm_access: {} } }, { policy: not(role('suspended')) })).toBe('allow');
  expect(await verdict({}, { policy: not(role('suspended')) })).toBe('allow');
  expect(await verdict({ claims: { roles: [] } }, { policy: not(role('suspended')) })).toBe('allow');
});

test('the profile of RFC 9068 requires an audience even if any audience is accepted', async () => {
  const { verdict } = await createScene({ profile: 'rfc9068', audience: undefined, unsafeAcceptTokensForAnyAudience: true });
  expect(await verdict({ claims: { aud: undefined } })).toBe('missing_claim');
  expect(await verdict({ audience: 'https://elsewhere.example.test' })).toBe('allow');
});
