import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { authFrom } from '../../test/auth-from.js';
import { claimRules } from '../../test/claim-rules.js';
import type { Auth } from '../auth/auth.js';
import { createDenial } from '../decision/denial.js';
import { behaviourOf } from '../vocabulary/reason.js';
import { combine } from './combinations.js';
import { acr, anyOf, claim, maxAge, not, policy, role, scope } from './constructors.js';
import { documentedPolicy, evaluatePolicy } from './evaluate.js';
import type { PassedPolicies } from './passed-policies.js';
import type { Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';
const RULES = claimRules({ issuer: ISSUER, audiences: new Set(['api']), rolesFrom: [['roles']] });
const CONTEXT = { request: undefined, nowSeconds: NOW, clockSkewSeconds: 30 };
const ACRS = ['a', 'b', 'c', 'd'];
const OTHER = 'e';

/** As allOf(), but without its check: policies of several guards, and those that are made for one request, may contradict each other. */
function allOf(...policies: readonly Policy[]): Policy {
  return combine(policies)!;
}

interface TokenClaims {
  readonly acr?: string | undefined;
  readonly auth_time?: number | undefined;
  readonly team?: string | undefined;
  readonly scope?: string | undefined;
}

describe('rule 103: policies that no single login satisfies', () => {
  const NO_LOGIN = 'no login satisfies all of these policies with this token: ';

  test.each<[string, Policy, TokenClaims, string]>([
    ['two acr policies', allOf(acr('gold'), acr('silver')), { acr: 'gold' }, 'acr("gold"); acr("silver")'],
    ['two acr policies beside a maxAge', allOf(acr('gold'), maxAge(60), acr('silver')), {}, 'acr("gold"); maxAge(60); acr("silver")'],
    ['an anyOf that failed', allOf(acr('silver'), anyOf(acr('gold'), role('r'))), { acr: 'silver' }, 'acr("silver"); anyOf(acr("gold"), role("r"))'],
    ['an anyOf that the token satisfies', allOf(anyOf(acr('gold'), role('r')), acr('silver')), { acr: 'gold' }, 'anyOf(acr("gold"), role("r")); acr("silver")'],
    [
      'an alternative that needs a scope, and a login that does not fit either',
      allOf(anyOf(acr('gold'), allOf(scope('a'), acr('iron'))), acr('silver')),
      {},
      'anyOf(acr("gold"), allOf(scope("a"), acr("iron"))); acr("silver")',
    ],
    ['two acr policies beside a scope that the token has', allOf(scope('a'), acr('gold'), acr('silver')), { scope: 'a' }, 'acr("gold"); acr("silver")'],
    ['a nested allOf', allOf(scope('a'), allOf(acr('gold'), acr('silver'))), { scope: 'a' }, 'acr("gold"); acr("silver")'],
    ['the only part of an anyOf', anyOf(allOf(acr('gold'), acr('silver'))), {}, 'acr("gold"); acr("silver")'],
  ])('are a 403, and the cause names them: %s', (_name, required, claims, named) => {
    const { reason, details } = failureOf(required, claims)!;
    expect(details.cause).toBe(NO_LOGIN + named);
    const denied = createDenial({ realm: 'api' })(reason, details);
    expect(denied).toMatchObject({ status: 403, reason: 'policy_refused', body: { error: 'insufficient_scope' } });
    expect(denied.headers['www-authenticate']).not.toMatch(/acr_values|max_age|scope=/);
    expect(denied.explain()).toMatchObject({
      summary: `A policy of the route refused the request: ${NO_LOGIN}${named}.`,
      remedy: expect.stringContaining('These policies contradict each other'),
      expected: undefined,
      found: undefined,
    });
  });

  test('the other remedies of a refused policy stay as they are', () => {
    const { reason, details } = failureOf(not(scope('a')), { scope: 'a' })!;
    expect(createDenial({ realm: 'api' })(reason, details).explain().remedy).toContain('Check the policy: a predicate');
  });

  test('are a 403 as well if guards before this one require one of the logins', () => {
    for (const passed of [acr('gold'), allOf(acr('gold')), [scope('a'), acr('gold')], anyOf(acr('gold'), role('r'))])
      expect(failureOf(acr('silver'), { acr: 'gold', scope: 'a' }, passed)).toMatchObject({ reason: 'policy_refused' });
  });

  test.each<[Policy, TokenClaims]>([
    [allOf(anyOf(acr('gold'), scope('a')), acr('silver')), { acr: 'gold' }],
    [allOf(allOf(anyOf(acr('gold'), scope('a'))), acr('silver')), { acr: 'gold' }],
    [allOf(anyOf(acr('gold'), allOf(scope('a'), acr('silver'))), acr('silver')), {}],
    [allOf(anyOf(acr('gold'), anyOf(acr('iron'), allOf(acr('silver'), scope('a')))), acr('silver')), {}],
  ])('ask for the scopes with which one login is enough: %s', (required, claims) => {
    expect(failureOf(required, claims)).toMatchObject({
      reason: 'insufficient_scope',
      details: { scope: ['a'], cause: expect.stringContaining('scope("a")') },
    });
    expect(failureOf(required, { ...claims, scope: 'a' })).toMatchObject({ reason: 'weak_authentication', details: { acrValues: ['silver'] } });
  });

  test('are reported before a missing scope, which would not help', () => {
    const found = failureOf(allOf(scope('a'), acr('gold'), acr('silver')), {})!;
    expect(found).toMatchObject({ reason: 'policy_refused', details: { cause: ['scope("a")', `${NO_LOGIN}acr("gold"); acr("silver")`] } });
  });

  test('are reported together with a missing role', () => {
    const found = failureOf(allOf(allOf(acr('gold'), acr('silver')), role('r')), {})!;
    expect(found).toMatchObject({ reason: 'policy_refused', details: { cause: [`${NO_LOGIN}acr("gold"); acr("silver")`, 'role("r")'] } });
  });

  test('a policy of an earlier guard that passed is not reported, even if its predicate now refuses', () => {
    const answers = [true, false];
    const passed = anyOf(
      acr('gold'),
      policy('once', () => answers.shift()!),
    );
    expect(failureOf(passed, {})).toBeUndefined();
    expect(failureOf(acr('gold'), {}, passed)).toMatchObject({ reason: 'weak_authentication', details: { cause: 'acr("gold")', acrValues: ['gold'] } });
    expect(answers).toEqual([]);
  });

  test('of an anyOf are no alternative for the client, and no explanation if something else is missing', () => {
    const both = allOf(acr('gold'), acr('silver'));
    expect(failureOf(anyOf(both, acr('iron')), {})).toMatchObject({ reason: 'weak_authentication', details: { acrValues: ['iron'] } });
    expect(failureOf(anyOf(allOf(scope('a'), both), acr('iron')), {})).toMatchObject({ reason: 'weak_authentication', details: { acrValues: ['iron'] } });
    expect(failureOf(anyOf(both, role('r')), {})).toMatchObject({ reason: 'insufficient_role', details: { expected: ['r'] } });
  });
});

describe('rule 103: the challenge and the explanation of a login that is not enough', () => {
  test.each<[string, Policy, TokenClaims, Partial<PolicyFailure['details']>, PolicyFailure['reason']]>([
    [
      'the age, if the acr of the token is one of those that the challenge names',
      anyOf(allOf(acr('gold'), maxAge(60)), allOf(acr('silver'), maxAge(60))),
      { acr: 'silver', auth_time: NOW - 100 },
      { acrValues: ['gold', 'silver'], maxAgeSeconds: 60, expected: 60, found: 100 },
      'stale_authentication',
    ],
    [
      'the acr, if the login is not older than the challenge demands',
      anyOf(allOf(maxAge(60), acr('gold')), allOf(maxAge(300), acr('gold'))),
      { acr: 'silver', auth_time: NOW - 100 },
      { acrValues: ['gold'], maxAgeSeconds: 300, expected: ['gold'], found: 'silver' },
      'weak_authentication',
    ],
    [
      'the larger maximum age',
      anyOf(maxAge(60), maxAge(300)),
      { auth_time: NOW - 400 },
      { maxAgeSeconds: 300, expected: 300, found: 400 },
      'stale_authentication',
    ],
    [
      'an alternative that demands more than another neither first nor later',
      anyOf(allOf(acr('gold'), maxAge(60)), acr('gold', 'silver'), allOf(acr('silver'), maxAge(300))),
      {},
      { acrValues: ['gold', 'silver'], maxAgeSeconds: undefined, expected: ['gold', 'silver'] },
      'weak_authentication',
    ],
    [
      'both, with the first as the reason',
      allOf(maxAge(60), acr('gold')),
      {},
      { acrValues: ['gold'], maxAgeSeconds: 60, expected: 60 },
      'stale_authentication',
    ],
  ])('name %s', (_name, required, claims, details, reason) => {
    const found = failureOf(required, claims)!;
    expect(found.reason).toBe(reason);
    expect(found.details).toMatchObject(details);
  });

  test('name as many acr values as the login route of a browser session accepts', () => {
    const values = Array.from({ length: 40 }, (_, index) => `urn:example:acr:${index + 10}`);
    for (const required of [acr(...values), anyOf(...values.map((value) => acr(value)))]) {
      const { acrValues } = failureOf(required, {})!.details;
      expect(acrValues!.join(' ')).toHaveLength(26 * 18 + 25);
      expect(acrValues).toEqual(values.slice(0, 26));
    }
    expect(failureOf(acr('x'.repeat(495), 'long'.repeat(10), 'gold'), {})!.details.acrValues).toEqual(['x'.repeat(495), 'gold']);
    expect(failureOf(acr('x'.repeat(501), 'gold'), {})!.details.acrValues).toEqual(['gold']);
    expect(failureOf(acr('x'.repeat(501), 'y'.repeat(501)), {})!.details.acrValues).toEqual(['x'.repeat(501)]);
  });

  test('take no longer if there are many alternatives', () => {
    const choices = Array.from({ length: 20 }, (_, index) => anyOf(allOf(acr('a', 'b'), maxAge(100 + index)), allOf(acr('b'), maxAge(200 + index)), acr('c')));
    expect(failureOf(allOf(...choices), { acr: 'd', auth_time: NOW })!.details).toMatchObject({ acrValues: ['a', 'b', 'c'], maxAgeSeconds: 100 });
  });
});

test('rule 103: of several alternatives, one that needs a scope and a login comes last', () => {
  const required = anyOf(allOf(scope('a'), acr('gold')), allOf(scope('b'), acr('silver')));
  expect(failureOf(required, {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['a'] } });
  // to be sent to the other alternative here, and back again from there, would have no end
  expect(failureOf(required, { scope: 'a' })).toMatchObject({ reason: 'weak_authentication', details: { acrValues: ['gold'] } });
  expect(failureOf(anyOf(required, acr('iron')), {})).toMatchObject({ reason: 'weak_authentication', details: { acrValues: ['iron'] } });
  expect(failureOf(anyOf(required, acr('iron'), scope('c')), {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['c'] } });
  expect(failureOf(anyOf(allOf(scope('c'), required), acr('iron')), {})).toMatchObject({ reason: 'weak_authentication', details: { acrValues: ['iron'] } });
});

describe('rule 103: a refusal calls each predicate at most once', () => {
  const counted = (answer: boolean) => {
    const test = vi.fn(() => answer);
    return { test, policy: policy('counted', test) };
  };

  test('of failed, satisfied and nested parts', () => {
    for (const answer of [true, false]) {
      const one = counted(answer);
      failureOf(allOf(acr('gold'), allOf(acr('gold'), anyOf(allOf(maxAge(60), one.policy), acr('iron')))), {});
      expect(one.test).toHaveBeenCalledOnce();
    }
  });

  test('of the failed alternative of an anyOf, whether the request is admitted or not', () => {
    const one = counted(false);
    const required = anyOf(allOf(acr('gold'), allOf(one.policy, acr('gold'))), acr('silver'));
    expect(failureOf(required, { acr: 'silver' })).toBeUndefined();
    expect(one.test).toHaveBeenCalledOnce();
    expect(failureOf(allOf(required, maxAge(60)), { acr: 'silver' })!.details).toMatchObject({ acrValues: ['silver'], maxAgeSeconds: 60 });
    expect(one.test).toHaveBeenCalledTimes(2);
  });

  test('of an alternative that was not needed, and only if the login matters', () => {
    const one = counted(true);
    expect(failureOf(allOf(anyOf(acr('gold'), one.policy), acr('silver')), { acr: 'gold' })!.details).toMatchObject({ acrValues: ['silver'] });
    expect(one.test).toHaveBeenCalledOnce();
    const other = counted(true);
    failureOf(allOf(anyOf(claim('team', 'x'), other.policy), acr('silver')), { team: 'x' });
    expect(other.test).not.toHaveBeenCalled();
  });

  test('and none of earlier guards, unless it is an alternative to a login', () => {
    const one = counted(true);
    const passed = [allOf(one.policy, acr('gold', 'silver')), anyOf(one.policy, scope('a')), one.policy];
    expect(failureOf(acr('gold'), { acr: 'silver' }, passed)!.details).toMatchObject({ acrValues: ['gold'] });
    expect(one.test).not.toHaveBeenCalled();
    expect(failureOf(acr('gold'), { acr: 'silver' }, anyOf(acr('silver'), one.policy))!.details).toMatchObject({ acrValues: ['gold'] });
    expect(one.test).toHaveBeenCalledOnce();
  });
});

test('rule 103: a predicate that changes the Auth changes no refusal', () => {
  const roles: string[] = [];
  const auth = { ...authOf({}), roles };
  const required = allOf(
    role('r'),
    policy('adds a role', () => roles.push('r') > 0),
  );
  expect(evaluatePolicy(required, { ...CONTEXT, auth })).toMatchObject({ reason: 'insufficient_role' });
});

test('rule 103: whoever logs in as a 401 says is admitted, and nobody is whom a 403 refuses, whatever the login', () => {
  const calls = new Map<Policy, number>();
  const predicate = (answer: boolean): Policy => {
    const made: Policy = policy('p', () => {
      calls.set(made, (calls.get(made) ?? 0) + 1);
      return answer;
    });
    return made;
  };
  const leaf = fc.oneof(
    { weight: 5, arbitrary: fc.subarray(ACRS, { minLength: 1, maxLength: 2 }).map((values) => acr(...values)) },
    { weight: 3, arbitrary: fc.constantFrom(60, 300, 3600).map(maxAge) },
    fc.constantFrom(claim('team', 'x'), scope('s'), scope('t'), not(scope('s')), role('r')),
    // a new one for each place
    fc.boolean().chain((answer) => fc.constant(undefined).map(() => predicate(answer))),
  );
  const { tree } = fc.letrec<{ tree: Policy }>((tie) => {
    const parts = fc.array(tie('tree'), { minLength: 1, maxLength: 3 });
    return {
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        parts.map((all) => allOf(...all)),
        parts.map((all) => anyOf(...all)),
      ),
    };
  });
  const token = fc.record({
    team: fc.constantFrom('x', undefined),
    acr: fc.constantFrom(undefined, OTHER, ...ACRS),
    auth_time: fc.constantFrom(undefined, 0, NOW - 1000, NOW - 100, NOW),
    scope: fc.constantFrom(undefined, 's', 't', 's t'),
  });
  const seen = { login: 0, none: 0, scope: 0, behind: 0 };
  /** A client that asks for exactly what each challenge names must be admitted, or get a 403 that names no scopes. */
  const expectEnd = (required: Policy, claims: TokenClaims, passed: readonly Policy[], challenges = 0): void => {
    if (challenges === 8) expect.fail(`${String(required)} behind ${passed.join(', ')} has no end`);
    const failed = failureOf(required, claims, passed);
    const { acrValues, maxAgeSeconds, scope: names } = failed?.details ?? {};
    if (failed?.reason === 'insufficient_scope') expectEnd(required, { ...claims, scope: names!.join(' ') }, passed, challenges + 1);
    if (failed?.reason === 'weak_authentication' || failed?.reason === 'stale_authentication')
      expectEnd(required, { ...claims, acr: acrValues?.[0] ?? OTHER, auth_time: NOW - (maxAgeSeconds ?? 10_000) }, passed, challenges + 1);
  };
  fc.assert(
    fc.property(tree, fc.array(tree, { maxLength: 2 }), token, (required, before, claims) => {
      const passed = before.filter((one) => !failureOf(one, claims));
      const admits = (more: TokenClaims): boolean => ![required, ...passed].some((one) => failureOf(one, { ...claims, ...more }));
      calls.clear();
      const failed = failureOf(required, claims, passed);
      expect(Math.max(0, ...calls.values())).toBeLessThanOrEqual(1);
      if (!failed) return;
      if (passed.length > 0) seen.behind++;
      // rule 253: as the answer of one of several guards
      const { refusals } = documentedPolicy(allOf(...passed, required, ...before.filter((one) => !passed.includes(one))));
      expect(refusals).toContain(behaviourOf(failed.reason).solvedBy === 'login' ? 'insufficient_user_authentication' : 'insufficient_scope');
      const { acrValues, maxAgeSeconds, expected, found } = failed.details;
      const anyAcr = [undefined, OTHER, ...ACRS];
      switch (failed.reason) {
        case 'weak_authentication':
        case 'stale_authentication':
          seen.login++;
          expect(acrValues).not.toEqual([]);
          for (const value of acrValues ?? anyAcr)
            expect(admits({ acr: value, auth_time: maxAgeSeconds === undefined ? undefined : NOW - maxAgeSeconds })).toBe(true);
          if (failed.reason === 'weak_authentication') {
            expect([expected, found]).toEqual([acrValues, claims.acr]);
            expect(acrValues).not.toContain(found);
          } else {
            expect([expected, found]).toEqual([maxAgeSeconds, claims.auth_time === undefined ? undefined : NOW - claims.auth_time]);
            expect((found as number | undefined) ?? Infinity).toBeGreaterThan(maxAgeSeconds!);
          }
          return;
        case 'insufficient_scope':
          // asks for no login before the token has the scopes
          seen.scope++;
          expect([acrValues, maxAgeSeconds]).toEqual([undefined, undefined]);
          expectEnd(required, claims, passed);
          return;
        default:
          seen.none++;
          expect([acrValues, maxAgeSeconds]).toEqual([undefined, undefined]);
          for (const value of anyAcr) {
            expect(admits({ acr: value, auth_time: NOW })).toBe(false);
            // nor does it with more scopes, unless these make a not() refuse
            if (!/not\(/.test([required, ...passed].join())) expect(admits({ acr: value, auth_time: NOW, scope: 's t' })).toBe(false);
          }
      }
    }),
    { seed: 11, numRuns: 5000 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
});

function failureOf(required: Policy, claims: TokenClaims, passed: PassedPolicies = []): PolicyFailure | undefined {
  return evaluatePolicy(required, { ...CONTEXT, auth: authOf(claims) }, 'kind' in passed || passed.length > 0 ? passed : undefined);
}

function authOf(claims: TokenClaims): Auth {
  const all = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 600, sub: 'alice', ...claims };
  return authFrom(JSON.parse(JSON.stringify(all)), RULES, NOW);
}
