import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VerifiedAuth } from '../access-token/verified-auth.js';
import type { Auth } from '../auth/auth.js';
import { createDenial } from '../decision/denial.js';
import { evaluatePolicy, sufficientScopes } from './evaluate.js';
import { createResourceGuard } from '../guard.js';
import { acr, allOf, anyOf, anyRole, anyScope, claim, issuedBy, maxAge, not, policy, role, scope } from './constructors.js';
import type { Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';

interface Said {
  readonly scope?: string;
  readonly [name: string]: unknown;
}

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

describe('rule 102: the whole scope that would do is told', () => {
  test.each<[string, Policy, Said, readonly string[] | undefined, PolicyFailure['reason']]>([
    ['all of a scope policy, those held too', scope('a', 'b'), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['the first of several that would do', anyScope('a', 'b'), {}, ['a'], 'insufficient_scope'],
    ['of allOf: what lacks and what is held', allOf(scope('a'), scope('b'), scope('c')), { scope: 'c x' }, ['c', 'a', 'b'], 'insufficient_scope'],
    ['of allOf: one of the held alternatives', allOf(anyScope('a', 'b'), scope('c')), { scope: 'b' }, ['b', 'c'], 'insufficient_scope'],
    ['of allOf: what is held in a way that is open', allOf(anyOf(scope('a'), scope('b')), scope('c')), { scope: 'b' }, ['b', 'c'], 'insufficient_scope'],
    ['none twice', allOf(scope('a', 'b'), scope('b', 'c')), {}, ['a', 'b', 'c'], 'insufficient_scope'],
    ['of nested allOf', allOf(scope('a'), allOf(scope('b'), allOf(scope('c')))), { scope: 'b' }, ['b', 'a', 'c'], 'insufficient_scope'],
    ['of anyOf: the first way that a scope opens', anyOf(role('r'), scope('a'), scope('b')), {}, ['a'], 'insufficient_scope'],
    ['of anyOf within allOf', allOf(scope('a'), anyOf(scope('b'), scope('c'))), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['of allOf within anyOf', anyOf(allOf(scope('a'), scope('b')), scope('c')), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['not of what not names', allOf(scope('a'), not(scope('x'))), { scope: 'x' }, ['a'], 'policy_refused'],
    ['beside a role that lacks', allOf(scope('a'), role('r')), {}, ['a'], 'insufficient_role'],
    ['not where only a role lacks', allOf(scope('a'), role('r')), { scope: 'a' }, undefined, 'insufficient_role'],
    ['not for a role', role('r'), {}, undefined, 'insufficient_role'],
    ['not for one of several roles', anyRole('r', 's'), {}, undefined, 'insufficient_role'],
    ['not for an issuer', issuedBy('https://login.partner.example'), {}, undefined, 'insufficient_claim'],
    ['not for a claim', claim('tenant', 'x'), {}, undefined, 'insufficient_claim'],
    ['not for a predicate', policy('mine', () => false), {}, undefined, 'policy_refused'],
    ['beside a login that is too weak, the scope first', allOf(acr('gold'), scope('a')), {}, ['a'], 'insufficient_scope'],
  ])('%s', (_name, policy, claims, expected, reason) => {
    const found = failureOf(policy, claims)!;
    expect(found.reason).toBe(reason);
    expect(found.details.scope).toEqual(expected);
    expect(found.details).not.toHaveProperty('acrValues');
  });

  test.each<[Policy, readonly string[]]>([
    [scope('a', 'b'), ['a', 'b']],
    [anyScope('a', 'b'), ['a']],
    [allOf(scope('a', 'b'), anyScope('b', 'c'), role('r')), ['a', 'b']],
    [anyOf(role('r'), allOf(role('s'), scope('a')), scope('b')), ['a']],
    [anyOf(role('r'), role('s')), []],
    [not(scope('a')), []],
    [role('r'), []],
    [claim('tenant', 'x'), []],
    [acr('gold'), []],
    [maxAge(1), []],
    [policy('mine', () => true), []],
  ])('to whom nothing is known of, %s names %j', (policy, expected) => {
    expect(sufficientScopes(policy)).toEqual(expected);
  });

  test('in a 403 that says no role, no claim and no name of a policy', () => {
    const secretive = allOf(
      scope('a'),
      role('secret-role'),
      claim('secret_claim', 'secret-value'),
      policy('secret policy', () => false),
    );
    const { reason, details } = failureOf(secretive, { scope: 'b' })!;
    const denied = createDenial({ realm: 'api' })(reason, details);
    expect(denied).toMatchObject({ status: 403, body: { error: 'insufficient_scope', scope: 'a' } });
    expect(denied.headers['www-authenticate']).toContain('error="insufficient_scope"');
    expect(denied.headers['www-authenticate']).toContain('scope="a"');
    expect(JSON.stringify([denied.headers, denied.body])).not.toContain('secret');
    expect(denied.cause).toEqual(['scope("a")', 'role("secret-role")', 'claim("secret_claim", "secret-value")', 'policy("secret policy")']);
  });

  test.each<[string, Policy, Said, unknown]>([
    ['one', allOf(scope('a'), role('r')), { scope: 'a' }, 'role("r")'],
    ['one scope', allOf(scope('a'), scope('b')), { scope: 'a' }, 'scope("b")'],
    ['two that no scope would mend', allOf(role('r'), claim('tenant', 'x')), {}, ['role("r")', 'claim("tenant", "x")']],
    ['one of a login', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, 'acr("gold")'],
    ['two of a login', allOf(acr('gold'), maxAge(60)), {}, ['acr("gold")', 'maxAge(60)']],
    ['a whole choice', anyOf(role('r'), scope('a')), {}, 'anyOf(role("r"), scope("a"))'],
  ])('operators see what lacks: %s', (_name, policy, claims, expected) => {
    expect(failureOf(policy, claims)!.details.cause).toEqual(expected);
  });

  test('with Auth it is 403, without 401, and both name the scope', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const guard = createResourceGuard({
      issuer: ISSUER,
      audience: 'api',
      clock: { now: () => NOW * 1000, monotonic: () => 0 },
      jwks: { keys: [publicKey.export({ format: 'jwk' })] },
    });
    const demanded = allOf(scope('a'), scope('b'));
    const known = guard.permit(authWith({ scope: 'a' }), demanded);
    expect(known).toMatchObject({ outcome: 'deny', status: 403, reason: 'insufficient_scope', body: { scope: 'a b' } });
    const unknown = await guard.check({ method: 'GET', target: '/', headers: {} }, { policy: demanded });
    expect(unknown).toMatchObject({
      outcome: 'deny',
      status: 401,
      reason: 'missing_token',
      headers: { 'www-authenticate': 'Bearer realm="api", scope="a b"' },
    });
    expect(guard.permit(authWith({ scope: 'a b' }), demanded)).toMatchObject({ outcome: 'allow' });
  });
});

describe('rule 103: a login that is too weak or too old asks for another', () => {
  const WEAK = 'weak_authentication';
  const STALE = 'stale_authentication';

  test.each<[string, Policy, Said, boolean]>([
    ['the class', acr('gold'), { acr: 'gold' }, true],
    ['one of several', acr('gold', 'silver'), { acr: 'silver' }, true],
    ['another class', acr('gold'), { acr: 'bronze' }, false],
    ['another case', acr('gold'), { acr: 'Gold' }, false],
    ['a class with a space', acr('gold'), { acr: 'gold ' }, false],
    ['several in one', acr('gold'), { acr: 'gold silver' }, false],
    ['a list', acr('gold'), { acr: ['gold'] }, false],
    ['no class', acr('gold'), {}, false],
    ['a login right now', maxAge(60), { auth_time: NOW }, true],
    ['a login just recent enough', maxAge(60), { auth_time: NOW - 60 }, true],
    ['a login a second too old', maxAge(60), { auth_time: NOW - 61 }, false],
    ['a login a fraction too old', maxAge(60), { auth_time: NOW - 60.001 }, false],
    ['no time', maxAge(60), {}, false],
    ['a time that is null', maxAge(60), { auth_time: null }, false],
    ['a time that is a string', maxAge(60), { auth_time: String(NOW) }, false],
    ['a time in milliseconds', maxAge(60), { auth_time: NOW * 1000 }, false],
    ['a time that is infinite', maxAge(60), { auth_time: Infinity }, false],
    ['a time before all time', maxAge(60), { auth_time: -1 }, false],
    ['the first second of all time, where any age would do', maxAge(2_000_000_000), { auth_time: 0 }, true],
    ['a time before all time, where any age would do', maxAge(2_000_000_000), { auth_time: -1 }, false],
    ['a time in a list', maxAge(60), { auth_time: [NOW] }, false],
    ['a time ahead within the skew', maxAge(60), { auth_time: NOW + 30 }, true],
    ['a time ahead beyond the skew', maxAge(60), { auth_time: NOW + 31 }, false],
    ['no age at all, at that very second', maxAge(0), { auth_time: NOW }, true],
    ['no age at all, a second later', maxAge(0), { auth_time: NOW - 1 }, false],
  ])('%s', (_name, policy, claims, satisfied) => {
    const found = failureOf(policy, claims);
    expect(found === undefined).toBe(satisfied);
    if (found) expect(found.reason).toBe(policy.kind === 'acr' ? WEAK : STALE);
  });

  test.each<[string, Policy, Said, PolicyFailure['reason'], { acrValues?: readonly string[]; maxAgeSeconds?: number }]>([
    ['the classes that would do', acr('gold', 'silver'), {}, WEAK, { acrValues: ['gold', 'silver'] }],
    ['the age', maxAge(60), {}, STALE, { maxAgeSeconds: 60 }],
    ['an age of 0', maxAge(0), {}, STALE, { maxAgeSeconds: 0 }],
    ['both, when both lack', allOf(acr('gold'), maxAge(60)), {}, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both, when only the class lacks', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both, when only the age lacks', allOf(acr('gold'), maxAge(60)), { acr: 'gold' }, STALE, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both, when only the class lacks and the age is 0', allOf(acr('gold'), maxAge(0)), { auth_time: NOW }, WEAK, { acrValues: ['gold'], maxAgeSeconds: 0 }],
    ['the shortest of several ages', allOf(maxAge(300), allOf(maxAge(60), maxAge(120))), {}, STALE, { maxAgeSeconds: 60 }],
    ['what an anyOf within asks for', allOf(maxAge(60), anyOf(acr('gold'), acr('silver'))), {}, STALE, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['the age that an anyOf within asks for', allOf(acr('gold'), anyOf(maxAge(60), maxAge(0))), {}, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['an age of 0 that an anyOf within asks for', allOf(acr('gold'), anyOf(maxAge(0))), { acr: 'gold' }, STALE, { acrValues: ['gold'], maxAgeSeconds: 0 }],
    ['the class of an allOf with nothing else', allOf(acr('gold')), {}, WEAK, { acrValues: ['gold'] }],
    ['where the scope is held', allOf(scope('a'), maxAge(60)), { scope: 'a' }, STALE, { maxAgeSeconds: 60 }],
    ['of several ways in, a login before a role', anyOf(role('r'), acr('gold')), {}, WEAK, { acrValues: ['gold'] }],
  ])('tells %s', (_name, policy, claims, reason, expected) => {
    const { reason: told, details } = failureOf(policy, claims)!;
    expect(told).toBe(reason);
    expect({ acrValues: details.acrValues, maxAgeSeconds: details.maxAgeSeconds }).toEqual({ acrValues: undefined, maxAgeSeconds: undefined, ...expected });
    expect(details.scope).toBeUndefined();
  });

  test('what a new login can not mend is told first', () => {
    expect(failureOf(allOf(maxAge(60), role('r')), {})).toMatchObject({ reason: 'insufficient_role' });
    expect(failureOf(anyOf(maxAge(60), scope('a')), {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['a'] } });
  });

  test('in a 401 with acr_values and max_age', () => {
    const { reason, details } = failureOf(allOf(acr('gold', 'silver'), maxAge(0)), {})!;
    const denied = createDenial({ realm: 'api' })(reason, details);
    expect(denied.status).toBe(401);
    expect(denied.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="insufficient_user_authentication", error_description="This resource needs a stronger or more recent login", ' +
        'acr_values="gold silver", max_age="0"',
    );
  });
});

function failureOf(policy: Policy, claims: Said): PolicyFailure | undefined {
  return evaluatePolicy(policy, { auth: authWith(claims), request: undefined, nowSeconds: NOW, clockSkewSeconds: 30 });
}

function authWith(said: Said): Auth {
  const claims = { ...said, iss: ISSUER, iat: NOW, exp: NOW + 600 };
  return new VerifiedAuth(
    'token',
    {
      issuer: ISSUER,
      subject: 'alice',
      clientId: undefined,
      audience: ['api'],
      scopes: said.scope?.split(' ') ?? [],
      roles: [],
      claims,
      expiresAt: claims.exp,
      issuedAt: claims.iat,
      tokenId: undefined,
      sessionId: undefined,
      actor: undefined,
    },
    claims,
    { clockSkewSeconds: 30, maxTokenAgeSeconds: undefined },
  );
}
