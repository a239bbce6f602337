import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { VerifiedAuth } from '../access-token/verified-auth.js';
import type { Auth } from '../auth/auth.js';
import { createDenial } from '../decision/denial.js';
import { evaluatePolicy, sufficientScopes } from './evaluate.js';
import { createResourceGuard } from '../guard.js';
import { acr, allOf, anyOf, anyRole, anyScope, claim, issuedBy, maxAge, not, policy, role, scope } from './constructors.js';
import { nobody } from './kinds/nobody.js';
import { SCOPE } from './kinds/scope.js';
import type { Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';

interface TokenClaims {
  readonly scope?: string;
  readonly [name: string]: unknown;
}

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';

describe('rule 102: a failure names the scopes that the next token needs', () => {
  test.each<[string, Policy, TokenClaims, readonly string[] | undefined, PolicyFailure['reason']]>([
    ['scope: names all scopes, including those that the token has', scope('a', 'b'), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    ['anyScope: names the first alternative', anyScope('a', 'b'), {}, ['a'], 'insufficient_scope'],
    [
      'allOf: names the missing scopes and those that the token has',
      allOf(scope('a'), scope('b'), scope('c')),
      { scope: 'c x' },
      ['c', 'a', 'b'],
      'insufficient_scope',
    ],
    [
      'allOf: names the alternative of an inner anyScope that the token has',
      allOf(anyScope('a', 'b'), scope('c')),
      { scope: 'b' },
      ['b', 'c'],
      'insufficient_scope',
    ],
    [
      'allOf: names the scope that satisfies an inner anyOf',
      allOf(anyOf(scope('a'), scope('b')), scope('c')),
      { scope: 'b' },
      ['b', 'c'],
      'insufficient_scope',
    ],
    ['allOf: names each scope once', allOf(scope('a', 'b'), scope('b', 'c')), {}, ['a', 'b', 'c'], 'insufficient_scope'],
    [
      'nested allOf: names the scopes of every level',
      allOf(scope('a'), allOf(scope('b'), allOf(scope('c')))),
      { scope: 'b' },
      ['b', 'a', 'c'],
      'insufficient_scope',
    ],
    ['anyOf: names the first alternative that needs only scopes', anyOf(role('r'), scope('a'), scope('b')), {}, ['a'], 'insufficient_scope'],
    ['anyOf inside allOf: names the first alternative', allOf(scope('a'), anyOf(scope('b'), scope('c'))), { scope: 'a' }, ['a', 'b'], 'insufficient_scope'],
    [
      'allOf inside anyOf: names all scopes of the first alternative',
      anyOf(allOf(scope('a'), scope('b')), scope('c')),
      { scope: 'a' },
      ['a', 'b'],
      'insufficient_scope',
    ],
    ['not: names no scope of the negated policy', allOf(scope('a'), not(scope('x'))), { scope: 'x' }, ['a'], 'policy_refused'],
    ['role: names the missing scopes if a role is missing too', allOf(scope('a'), role('r')), {}, ['a'], 'insufficient_role'],
    ['role: names no scope if only a role is missing', allOf(scope('a'), role('r')), { scope: 'a' }, undefined, 'insufficient_role'],
    ['role: names no scope', role('r'), {}, undefined, 'insufficient_role'],
    ['anyRole: names no scope', anyRole('r', 's'), {}, undefined, 'insufficient_role'],
    ['issuedBy: names no scope', issuedBy('https://login.partner.example'), {}, undefined, 'insufficient_claim'],
    ['claim: names no scope', claim('tenant', 'x'), {}, undefined, 'insufficient_claim'],
    ['policy: names no scope', policy('mine', () => false), {}, undefined, 'policy_refused'],
    ['nobody: names no scope', allOf(scope('a'), allOf(nobody('unlisted_tool'), role('r')), maxAge(1)), {}, undefined, 'unlisted_tool'],
    ['acr: a missing scope comes before a weak login', allOf(acr('gold'), scope('a')), {}, ['a'], 'insufficient_scope'],
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
    [nobody('unlisted_tool'), []],
  ])('the challenge for a caller without a token names for %s: %j', (policy, expected) => {
    expect(sufficientScopes(policy)).toEqual(expected);
  });

  test('the 403 contains no role, no claim and no policy name', () => {
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
    ['two policies that no scope can satisfy', allOf(role('r'), claim('tenant', 'x')), {}, ['role("r")', 'claim("tenant", "x")']],
    ['one requirement on the login', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, 'acr("gold")'],
    ['two requirements on the login', allOf(acr('gold'), maxAge(60)), {}, ['acr("gold")', 'maxAge(60)']],
    ['all alternatives of an anyOf', anyOf(role('r'), scope('a')), {}, 'anyOf(role("r"), scope("a"))'],
    ['one requirement on the login, in an anyOf', allOf(anyOf(acr('gold'), acr('silver'))), {}, 'anyOf(acr("gold"), acr("silver"))'],
  ])('the cause names what is missing: %s', (_name, policy, claims, expected) => {
    expect(failureOf(policy, claims)!.details.cause).toEqual(expected);
  });

  test('expected names what the reason is about, though the challenge names the scopes too', () => {
    const both = allOf(scope('a'), role('r'));
    expect(failureOf(both, {})!.details).toMatchObject({ scope: ['a'], expected: ['r'] });
    expect(failureOf(allOf(scope('a'), scope('b')), { scope: 'b' })!.details).toMatchObject({ scope: ['b', 'a'], expected: ['b', 'a'] });
    expect(
      failureOf(
        claim('tenant', () => true),
        {},
      )!.details,
    ).toMatchObject({ expected: 'a claim that is present', found: undefined });
  });

  test('a policy is described once, however often it refuses', () => {
    const required = scope('a');
    const describe = vi.spyOn(SCOPE, 'describe');
    onTestFinished(() => void describe.mockRestore());
    for (let times = 1; times <= 2; times++) expect(failureOf(required, {})!.details.cause).toBe('scope("a")');
    expect(describe).toHaveBeenCalledOnce();
  });

  test('a caller with a valid token gets a 403, a caller without one gets a 401, and both responses name the scope', async () => {
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
      headers: { 'www-authenticate': ['Bearer realm="api", scope="a b"', expect.stringMatching(/^DPoP realm="api", scope="a b", algs=/)] },
    });
    expect(guard.permit(authWith({ scope: 'a b' }), required)).toMatchObject({ outcome: 'allow' });
  });
});

describe('rule 103: a login that is too weak or too old is a failure that asks for a new login', () => {
  const WEAK = 'weak_authentication';
  const STALE = 'stale_authentication';

  test.each<[string, Policy, TokenClaims, boolean]>([
    ['acr is satisfied by its value', acr('gold'), { acr: 'gold' }, true],
    ['acr is satisfied by one of several values', acr('gold', 'silver'), { acr: 'silver' }, true],
    ['acr fails for another value', acr('gold'), { acr: 'bronze' }, false],
    ['acr fails for another case', acr('gold'), { acr: 'Gold' }, false],
    ['acr fails for a value with a trailing space', acr('gold'), { acr: 'gold ' }, false],
    ['acr fails for several values in one string', acr('gold'), { acr: 'gold silver' }, false],
    ['acr fails for a list', acr('gold'), { acr: ['gold'] }, false],
    ['acr fails if the claim is absent', acr('gold'), {}, false],
    ['maxAge is satisfied by a login right now', maxAge(60), { auth_time: NOW }, true],
    ['maxAge is satisfied by a login of exactly the maximum age', maxAge(60), { auth_time: NOW - 60 }, true],
    ['maxAge fails for a login one second too old', maxAge(60), { auth_time: NOW - 61 }, false],
    ['maxAge fails for a login a fraction of a second too old', maxAge(60), { auth_time: NOW - 60.001 }, false],
    ['maxAge fails if auth_time is absent', maxAge(60), {}, false],
    ['maxAge fails if auth_time is null', maxAge(60), { auth_time: null }, false],
    ['maxAge fails if auth_time is a string', maxAge(60), { auth_time: String(NOW) }, false],
    ['maxAge fails if auth_time is in milliseconds', maxAge(60), { auth_time: NOW * 1000 }, false],
    ['maxAge fails if auth_time is infinite', maxAge(60), { auth_time: Infinity }, false],
    ['maxAge fails if auth_time is negative', maxAge(60), { auth_time: -1 }, false],
    ['the largest maxAge is satisfied by a login of exactly that age', maxAge(999_999_999), { auth_time: NOW - 999_999_999 }, true],
    ['the largest maxAge fails for a login one second too old', maxAge(999_999_999), { auth_time: NOW - 1_000_000_000 }, false],
    ['maxAge fails if auth_time is a list', maxAge(60), { auth_time: [NOW] }, false],
    ['maxAge is satisfied by a time in the future within the clock skew', maxAge(60), { auth_time: NOW + 30 }, true],
    ['maxAge fails for a time in the future beyond the clock skew', maxAge(60), { auth_time: NOW + 31 }, false],
    ['maxAge(0) is satisfied in the same second', maxAge(0), { auth_time: NOW }, true],
    ['maxAge(0) fails a second later', maxAge(0), { auth_time: NOW - 1 }, false],
  ])('%s', (_name, policy, claims, satisfied) => {
    const found = failureOf(policy, claims);
    expect(found === undefined).toBe(satisfied);
    if (found) expect(found.reason).toBe(policy.kind === 'acr' ? WEAK : STALE);
  });

  test.each<[number | string | undefined, number | undefined]>([
    [NOW - 100, 100],
    [NOW + 100, undefined],
    [String(NOW - 100), undefined],
    [undefined, undefined],
  ])('the explanation of a failed maxAge says how long ago the login was: auth_time %j', (loginAt, seconds) => {
    expect(failureOf(maxAge(60), { auth_time: loginAt })!.details).toMatchObject({ expected: 60, found: seconds });
  });

  test.each<[string, Policy, TokenClaims, PolicyFailure['reason'], { acrValues?: readonly string[]; maxAgeSeconds?: number }]>([
    ['the accepted acr values', acr('gold', 'silver'), {}, WEAK, { acrValues: ['gold', 'silver'] }],
    ['the maximum age', maxAge(60), {}, STALE, { maxAgeSeconds: 60 }],
    ['a maximum age of 0', maxAge(0), {}, STALE, { maxAgeSeconds: 0 }],
    ['both acr and age if both fail', allOf(acr('gold'), maxAge(60)), {}, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both acr and age if only the acr fails', allOf(acr('gold'), maxAge(60)), { auth_time: NOW }, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['both acr and age if only the age fails', allOf(acr('gold'), maxAge(60)), { acr: 'gold' }, STALE, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    [
      'both acr and age if only the acr fails and the age is 0',
      allOf(acr('gold'), maxAge(0)),
      { auth_time: NOW },
      WEAK,
      { acrValues: ['gold'], maxAgeSeconds: 0 },
    ],
    ['the shortest of several maximum ages', allOf(maxAge(300), allOf(maxAge(60), maxAge(120))), {}, STALE, { maxAgeSeconds: 60 }],
    ['each acr of an anyOf', anyOf(acr('gold', 'silver'), acr('silver', 'bronze')), {}, WEAK, { acrValues: ['gold', 'silver', 'bronze'] }],
    ['each acr of an inner anyOf', allOf(maxAge(60), anyOf(acr('gold'), acr('silver'))), {}, STALE, { acrValues: ['gold', 'silver'], maxAgeSeconds: 60 }],
    [
      'the acr of an anyOf that the other parts accept, too',
      allOf(anyOf(acr('gold'), acr('silver')), acr('silver', 'bronze')),
      {},
      WEAK,
      { acrValues: ['silver'] },
    ],
    [
      'the acr that an anyOf accepts, too, although the acr of the token satisfies the anyOf',
      allOf(anyOf(acr('gold'), acr('silver')), acr('bronze', 'silver')),
      { acr: 'gold' },
      WEAK,
      { acrValues: ['silver'] },
    ],
    [
      'nothing of an anyOf that the token satisfies whatever its login',
      allOf(anyOf(acr('gold'), claim('team', 'x')), acr('silver')),
      { team: 'x' },
      WEAK,
      { acrValues: ['silver'] },
    ],
    [
      'nothing of an alternative that the token does not satisfy',
      anyOf(allOf(acr('gold'), claim('team', 'x')), acr('silver')),
      {},
      WEAK,
      { acrValues: ['silver'] },
    ],
    [
      'the age of an anyOf if its acr does not fit',
      allOf(anyOf(acr('gold'), maxAge(60)), acr('silver')),
      {},
      WEAK,
      { acrValues: ['silver'], maxAgeSeconds: 60 },
    ],
    ['the first of two alternatives that are no one login', anyOf(acr('gold'), maxAge(60)), {}, WEAK, { acrValues: ['gold'] }],
    [
      'each acr that is enough at the age of the first alternative',
      anyOf(allOf(acr('gold'), maxAge(60)), allOf(acr('silver'), maxAge(300)), acr('bronze'), allOf(acr('iron'), maxAge(10))),
      {},
      WEAK,
      { acrValues: ['gold', 'silver', 'bronze'], maxAgeSeconds: 60 },
    ],
    ['the first maximum age of an inner anyOf', allOf(acr('gold'), anyOf(maxAge(60), maxAge(0))), {}, WEAK, { acrValues: ['gold'], maxAgeSeconds: 60 }],
    ['the maximum age of 0 in an inner anyOf', allOf(acr('gold'), anyOf(maxAge(0))), { acr: 'gold' }, STALE, { acrValues: ['gold'], maxAgeSeconds: 0 }],
    ['the shorter maximum age of a failed anyOf', allOf(maxAge(300), anyOf(maxAge(60), role('r'))), { auth_time: NOW - 100 }, STALE, { maxAgeSeconds: 60 }],
    ['the shorter maximum age beside a failed anyOf', allOf(maxAge(60), anyOf(maxAge(300), role('r'))), {}, STALE, { maxAgeSeconds: 60 }],
    [
      'the acr that a failed anyOf and the other parts share',
      allOf(acr('silver', 'gold'), anyOf(acr('gold'), role('r'))),
      { acr: 'silver' },
      WEAK,
      { acrValues: ['gold'] },
    ],
    ['the acr of an allOf with one part', allOf(acr('gold')), {}, WEAK, { acrValues: ['gold'] }],
    ['the maximum age if the token has the scope', allOf(scope('a'), maxAge(60)), { scope: 'a' }, STALE, { maxAgeSeconds: 60 }],
    ['an acr rather than a role as the way to satisfy an anyOf', anyOf(role('r'), acr('gold')), {}, WEAK, { acrValues: ['gold'] }],
  ])('the failure names %s', (_name, policy, claims, reason, expected) => {
    const { reason: actual, details } = failureOf(policy, claims)!;
    expect(actual).toBe(reason);
    expect({ acrValues: details.acrValues, maxAgeSeconds: details.maxAgeSeconds }).toEqual({ acrValues: undefined, maxAgeSeconds: undefined, ...expected });
    expect(details.scope).toBeUndefined();
  });

  test('reports a missing role or scope before a login that is too old', () => {
    expect(failureOf(allOf(maxAge(60), role('r')), {})).toMatchObject({ reason: 'insufficient_role' });
    expect(failureOf(anyOf(maxAge(60), scope('a')), {})).toMatchObject({ reason: 'insufficient_scope', details: { scope: ['a'] } });
  });

  test('the challenge of the 401 names acr_values and max_age', () => {
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
