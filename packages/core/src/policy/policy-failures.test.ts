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

interface TokenClaims {
  readonly scope?: string;
  readonly [name: string]: unknown;
}

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

describe('rule 102: a failure names all scopes that the next token needs', () => {
  test.each<[string, Policy, TokenClaims, readonly string[] | undefined, PolicyFailure['reason']]>([
    ['scope: all, also those that the token has', scope('a', 'b'), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['anyScope: the first', anyScope('a', 'b'), {}, ['a'], 'insufficient_scope'],
    ['allOf: those missing and those that the token has', allOf(scope('a'), scope('b'), scope('c')), { scope: 'c x' }, ['c', 'a', 'b'], 'insufficient_scope'],
    ['allOf: the alternative that the token has', allOf(anyScope('a', 'b'), scope('c')), { scope: 'b' }, ['b', 'c'], 'insufficient_scope'],
    ['allOf: the scope that satisfies an inner anyOf', allOf(anyOf(scope('a'), scope('b')), scope('c')), { scope: 'b' }, ['b', 'c'], 'insufficient_scope'],
    ['allOf: without duplicates', allOf(scope('a', 'b'), scope('b', 'c')), {}, ['a', 'b', 'c'], 'insufficient_scope'],
    ['nested allOf: all', allOf(scope('a'), allOf(scope('b'), allOf(scope('c')))), { scope: 'b' }, ['b', 'a', 'c'], 'insufficient_scope'],
    ['anyOf: the first alternative that needs only scopes', anyOf(role('r'), scope('a'), scope('b')), {}, ['a'], 'insufficient_scope'],
    ['anyOf inside allOf: the first', allOf(scope('a'), anyOf(scope('b'), scope('c'))), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['allOf inside anyOf: all of it', anyOf(allOf(scope('a'), scope('b')), scope('c')), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['not: none of what it names', allOf(scope('a'), not(scope('x'))), { scope: 'x' }, ['a'], 'policy_refused'],
    ['a missing role: the scopes too', allOf(scope('a'), role('r')), {}, ['a'], 'insufficient_role'],
    ['no scope if only a role is missing', allOf(scope('a'), role('r')), { scope: 'a' }, undefined, 'insufficient_role'],
    ['no scope for a role', role('r'), {}, undefined, 'insufficient_role'],
    ['no scope for one of several roles', anyRole('r', 's'), {}, undefined, 'insufficient_role'],
    ['no scope for an issuer', issuedBy('https://login.partner.example'), {}, undefined, 'insufficient_claim'],
    ['no scope for a claim', claim('tenant', 'x'), {}, undefined, 'insufficient_claim'],
    ['no scope for a predicate', policy('mine', () => false), {}, undefined, 'policy_refused'],
    ['a weak login: the scope first', allOf(acr('gold'), scope('a')), {}, ['a'], 'insufficient_scope'],
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
  ])('%s names %j to an unknown caller', (policy, expected) => {
    expect(sufficientScopes(policy)).toEqual(expected);
  });

  test('the 403 contains no role, no claim and no name of a policy', () => {
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

  test.each<[string, Policy, TokenClaims, unknown]>([
    ['one role', allOf(scope('a'), role('r')), { scope: 'a' }, 'role("r")'],
    ['one scope', allOf(scope('a'), scope('b')), { scope: 'a' }, 'scope("b")'],
    ['two that no scope can solve', allOf(role('r'), claim('tenant', 'x')), {}, ['role("r")', 'claim("tenant", "x")']],
    ['one requirement on the login', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, 'acr("gold")'],
    ['two requirements on the login', allOf(acr('gold'), maxAge(60)), {}, ['acr("gold")', 'maxAge(60)']],
    ['all alternatives', anyOf(role('r'), scope('a')), {}, 'anyOf(role("r"), scope("a"))'],
  ])('the cause names what is missing: %s', (_name, policy, claims, expected) => {
    expect(failureOf(policy, claims)!.details.cause).toEqual(expected);
  });

  test('a known caller gets 403, an unknown one 401, and both challenges name the scope', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const guard = createResourceGuard({
      issuer: ISSUER,
      audience: 'api',
      clock: { now: () => NOW * 1000, monotonic: () => 0 },
      jwks: { keys: [publicKey.export({ format: 'jwk' })] },
    });
    const required = allOf(scope('a'), scope('b'));
    const known = guard.permit(authWith({ scope: 'a' }), required);
    expect(known).toMatchObject({ outcome: 'deny', status: 403, reason: 'insufficient_scope', body: { scope: 'a b' } });
    const unknown = await guard.check({ method: 'GET', target: '/', headers: {} }, { policy: required });
    expect(unknown).toMatchObject({
      outcome: 'deny',
      status: 401,
      reason: 'missing_token',
      headers: { 'www-authenticate': 'Bearer realm="api", scope="a b"' },
    });
    expect(guard.permit(authWith({ scope: 'a b' }), required)).toMatchObject({ outcome: 'allow' });
  });
});

describe('rule 103: a login that is too weak or too old gets a step-up challenge', () => {
  const WEAK = 'weak_authentication';
  const STALE = 'stale_authentication';

  test.each<[string, Policy, TokenClaims, boolean]>([
    ['the acr', acr('gold'), { acr: 'gold' }, true],
    ['one of several acr values', acr('gold', 'silver'), { acr: 'silver' }, true],
    ['another acr', acr('gold'), { acr: 'bronze' }, false],
    ['another case', acr('gold'), { acr: 'Gold' }, false],
    ['an acr with a space', acr('gold'), { acr: 'gold ' }, false],
    ['several acr values in one string', acr('gold'), { acr: 'gold silver' }, false],
    ['a list', acr('gold'), { acr: ['gold'] }, false],
    ['no acr', acr('gold'), {}, false],
    ['a login right now', maxAge(60), { auth_time: NOW }, true],
    ['a login of the maximum age', maxAge(60), { auth_time: NOW - 60 }, true],
    ['a login one second too old', maxAge(60), { auth_time: NOW - 61 }, false],
    ['a login a fraction too old', maxAge(60), { auth_time: NOW - 60.001 }, false],
    ['no auth_time', maxAge(60), {}, false],
    ['a time that is null', maxAge(60), { auth_time: null }, false],
    ['a time that is a string', maxAge(60), { auth_time: String(NOW) }, false],
    ['a time in milliseconds', maxAge(60), { auth_time: NOW * 1000 }, false],
    ['a time that is infinite', maxAge(60), { auth_time: Infinity }, false],
    ['a negative time', maxAge(60), { auth_time: -1 }, false],
    ['the time 0, with a very large maximum age', maxAge(2_000_000_000), { auth_time: 0 }, true],
    ['a negative time, with a very large maximum age', maxAge(2_000_000_000), { auth_time: -1 }, false],
    ['a time in a list', maxAge(60), { auth_time: [NOW] }, false],
    ['a time in the future, within the skew', maxAge(60), { auth_time: NOW + 30 }, true],
    ['a time in the future, beyond the skew', maxAge(60), { auth_time: NOW + 31 }, false],
    ['maximum age 0, in the same second', maxAge(0), { auth_time: NOW }, true],
    ['maximum age 0, a second later', maxAge(0), { auth_time: NOW - 1 }, false],
  ])('%s', (_name, policy, claims, satisfied) => {
    const found = failureOf(policy, claims);
    expect(found === undefined).toBe(satisfied);
    if (found) expect(found.reason).toBe(policy.kind === 'acr' ? WEAK : STALE);
  });

  test.each<[string, Policy, TokenClaims, PolicyFailure['reason'], { acrValues?: readonly string[]; maxAgeSeconds?: number }]>([
    ['the accepted acr values', acr('gold', 'silver'), {}, WEAK, { acrValues: ['gold', 'silver'] }],
    ['the maximum age', maxAge(60), {}, STALE, { maxAgeSeconds: 60 }],
    ['a maximum age of 0', maxAge(0), {}, STALE, { maxAgeSeconds: 0 }],
    ['both, if both fail', allOf(acr('gold'), maxAge(60)), {}, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both, if only the acr fails', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both, if only the age fails', allOf(acr('gold'), maxAge(60)), { acr: 'gold' }, STALE, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both, if only the acr fails and the age is 0', allOf(acr('gold'), maxAge(0)), { auth_time: NOW }, WEAK, { acrValues: ['gold'], maxAgeSeconds: 0 }],
    ['the shortest of several ages', allOf(maxAge(300), allOf(maxAge(60), maxAge(120))), {}, STALE, { maxAgeSeconds: 60 }],
    ['the acr of an inner anyOf', allOf(maxAge(60), anyOf(acr('gold'), acr('silver'))), {}, STALE, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['the age of an inner anyOf', allOf(acr('gold'), anyOf(maxAge(60), maxAge(0))), {}, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['an age of 0 of an inner anyOf', allOf(acr('gold'), anyOf(maxAge(0))), { acr: 'gold' }, STALE, { acrValues: ['gold'], maxAgeSeconds: 0 }],
    ['the acr of an allOf with one part', allOf(acr('gold')), {}, WEAK, { acrValues: ['gold'] }],
    ['the age, if the token has the scope', allOf(scope('a'), maxAge(60)), { scope: 'a' }, STALE, { maxAgeSeconds: 60 }],
    ['anyOf: a login before a role', anyOf(role('r'), acr('gold')), {}, WEAK, { acrValues: ['gold'] }],
  ])('the failure names %s', (_name, policy, claims, reason, expected) => {
    const { reason: actual, details } = failureOf(policy, claims)!;
    expect(actual).toBe(reason);
    expect({ acrValues: details.acrValues, maxAgeSeconds: details.maxAgeSeconds }).toEqual({ acrValues: undefined, maxAgeSeconds: undefined, ...expected });
    expect(details.scope).toBeUndefined();
  });

  test('a failure that a new login cannot solve comes first', () => {
    expect(failureOf(allOf(maxAge(60), role('r')), {})).toMatchObject({ reason: 'insufficient_role' });
    expect(failureOf(anyOf(maxAge(60), scope('a')), {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['a'] } });
  });

  test('the 401 names acr_values and max_age', () => {
    const { reason, details } = failureOf(allOf(acr('gold', 'silver'), maxAge(0)), {})!;
    const denied = createDenial({ realm: 'api' })(reason, details);
    expect(denied.status).toBe(401);
    expect(denied.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="insufficient_user_authentication", error_description="This resource needs a stronger or more recent login", ' +
        'acr_values="gold silver", max_age="0"',
    );
  });
});

function failureOf(policy: Policy, claims: TokenClaims): PolicyFailure | undefined {
  return evaluatePolicy(policy, { auth: authWith(claims), request: undefined, nowSeconds: NOW, clockSkewSeconds: 30 });
}

function authWith(tokenClaims: TokenClaims): Auth {
  const claims = { ...tokenClaims, iss: ISSUER, iat: NOW, exp: NOW + 600 };
  return new VerifiedAuth(
    'token',
    {
      issuer: ISSUER,
      subject: 'alice',
      clientId: undefined,
      audience: ['api'],
      scopes: tokenClaims.scope?.split(' ') ?? [],
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
