import { createResourceGuard, not, observe, role, scope, type GuardOptions } from '@tokenward/core';
import { cognito } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { configurationErrorOf, createScene, expectAllowed } from './guarded.js';

describe('rolesClaim and scopesClaim', () => {
  test('a function reads roles from an object, and a role policy refuses with a cause if the function throws', async () => {
    const rolesClaim: GuardOptions['rolesClaim'] = (claims) => Object.keys(claims['urn:zitadel:iam:org:project:roles'] as object);
    const { decide, verdict } = await createScene({ rolesClaim });
    const claims = { 'urn:zitadel:iam:org:project:roles': { admin: { 1: 'example' } } };
    expect(expectAllowed(await decide({ claims }, { policy: role('admin') })).auth?.roles).toEqual(['admin']);
    expect(await verdict({ claims }, { policy: not(role('suspended')) })).toBe('allow');
    // without the claim the function throws
    expect(await verdict({}, { policy: not(role('suspended')) })).toBe('policy_refused');
    const refusal = await decide({}, { policy: role('admin') });
    expect(refusal).toMatchObject({ reason: 'insufficient_role', cause: expect.stringContaining('unreadable: the function threw an error') });
    expect(await verdict({})).toBe('allow');
  });

  test('reads scopes from scopesClaim instead of scope', async () => {
    const { verdict } = await createScene({ scopesClaim: 'permissions' });
    expect(await verdict({ scopes: ['x'], claims: { permissions: ['a'] } }, { policy: scope('a') })).toBe('allow');
    expect(await verdict({ scopes: ['x'], claims: { permissions: ['a'] } }, { policy: scope('x') })).toBe('insufficient_scope');
  });

  test.each<[string, string]>([
    ['realm_access.roles', "['realm_access', 'roles'], or ['realm_access.roles']"],
    ['resource_access.orders-api.roles', "['resource_access', 'orders-api', 'roles']"],
  ])('throws at start-up for %s, which looks like a path', (name, advice) => {
    for (const option of ['rolesClaim', 'scopesClaim'])
      for (const part of [`${option}: is ${JSON.stringify(name)}, which looks like a path. `, advice]) expect(errorOf({ [option]: name })).toContain(part);
  });

  test.each(['https://example.com/roles', 'cognito:groups', 'urn:zitadel:iam:org:project:roles', 'roles', ['realm_access.roles'], ['realm_access', 'roles']])(
    'accepts %j as a name or a path',
    (rolesClaim) => {
      expect(errorOf({ rolesClaim })).toBeUndefined();
    },
  );

  test.each([7, '', null, {}, [], [[]], [['a'], 'b']])('throws at start-up for %j, which is neither a name nor a path', (given) => {
    for (const option of ['rolesClaim', 'scopesClaim']) expect(errorOf({ [option]: given })).toContain(option);
  });

  test('a resolver that returns another function returns another issuer', async () => {
    const { issuer } = await createScene();
    let reader: (claims: object) => string[] = () => ['a'];
    const guard = createResourceGuard({ audience: issuer.audience, issuers: () => ({ issuer: issuer.issuer, jwks: issuer.jwks, rolesClaim: reader }) });
    const request = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
    expect(expectAllowed(await guard.check({ ...request })).auth?.roles).toEqual(['a']);
    reader = () => ['b'];
    expect(expectAllowed(await guard.check({ ...request })).auth?.roles).toEqual(['b']);
  });
});

test('rule 36: accepts an access token of Azure AD B2C with nonce and scp, and refuses an ID token, which has no scp', async () => {
  const { issuer, verdict } = await createScene({ allowedClients: ['c-1'] });
  const claims = { client_id: undefined, jti: undefined, ver: '1.0', azp: 'c-1', tfp: 'B2C_1_signin', nonce: 'defaultNonce', auth_time: 1, nbf: 1 };
  const header = { typ: 'JWT' };
  expect(await verdict({ header, claims: { ...claims, scp: 'orders.read' } }, { policy: scope('orders.read') })).toBe('allow');
  expect(await verdict({ header, claims: { ...claims, aud: issuer.audience } })).toBe('not_an_access_token');
});

describe('unsafeAcceptTokensWithoutIssuedAt', () => {
  const loose: GuardOptions = { unsafeAcceptTokensWithoutIssuedAt: true };
  const token = { claims: { iat: undefined, sid: 's-1' } };

  test('accepts tokens without iat, which are refused by default', async () => {
    const strict = await createScene();
    expect(await strict.verdict(token)).toBe('missing_claim');
    const { decide } = await createScene(loose);
    const { auth } = expectAllowed(await decide(token));
    expect(auth!.issuedAt).toBeUndefined();
    expect(JSON.stringify(auth)).not.toContain('issuedAt');
  });

  test.each<[string, Parameters<ReturnType<typeof createResourceGuard>['revocations']['revoke']>[0]]>([
    ['its subject', { subject: 'user-1' }],
    ['its session', { sessionId: 's-1' }],
    ['its client', { clientId: 'client-1' }],
    ['its tokenId', { tokenId: 'jti-1' }],
  ])('a revocation by %s affects a token without iat', async (_what, target) => {
    const { clock, guard, issuer, verdict } = await createScene(loose);
    const known = await issuer.issueToken({ claims: { ...token.claims, jti: 'jti-1' } });
    expect(await verdict(known)).toBe('allow');
    await guard.revocations.revoke(target, { at: clock.now() / 1000 - 3600, until: clock.now() / 1000 + 7200 });
    expect(await verdict(known)).toBe('revoked');
    clock.advance(3000);
    expect(await verdict({ claims: { ...token.claims, jti: 'jti-1' } })).toBe('revoked');
    expect(await verdict({ subject: 'user-2', clientId: 'client-2', claims: { iat: undefined, sid: 's-2' } })).toBe('allow');
  });

  test('a revocation without until refuses them permanently after its retention time, and the refusal says so and names the remedy', async () => {
    const { clock, guard, decide } = await createScene(loose);
    await guard.revocations.revoke({ sessionId: 's-2' }, { reason: 'logout' });
    const refusalOf = async (claims: object): Promise<{ readonly cause: unknown; readonly remedy: string | undefined }> => {
      const decision = await decide({ claims: { ...token.claims, ...claims } });
      if (decision.outcome !== 'deny') throw new Error('it was admitted');
      return { cause: decision.cause, remedy: decision.explain().remedy };
    };
    const kept = await refusalOf({ sid: 's-2' });
    expect(kept.cause).toBe('session: logout; the token has no iat, so it counts as issued before the revocation');
    expect(kept.remedy).toMatch(/^Configure the issuer to write iat .* give revoke\(\) an until, or revoke by tokenId/);
    expect((await decide(token)).outcome).toBe('allow');
    clock.advance(2 * 86_400);
    const forgotten = await refusalOf({ sid: 's-3' });
    expect(forgotten.cause).toBe(
      'issuer: unspecified; the token has no iat, so it counts as issued before the revocation. It stays refused, because the revocation had no until',
    );
    expect(forgotten.remedy).toBe(kept.remedy);
    expect((await decide({ claims: { sid: 's-3' } })).outcome).toBe('allow');
    await guard.revocations.revoke({ tokenId: 'jti-9' });
    const own = await decide({ claims: { jti: 'jti-9' } });
    expect(own.outcome === 'deny' && [own.cause, own.explain().remedy]).toEqual([
      'token: unspecified',
      expect.stringMatching(/^Have the client fetch a new token/),
    ]);
  });

  test('a revocation of the whole issuer affects a token without iat', async () => {
    const { guard, issuer, verdict } = await createScene(loose);
    await guard.revocations.revoke({ issuer: issuer.issuer });
    expect(await verdict(token)).toBe('revoked');
  });

  test.each<[string, GuardOptions]>([
    ['maxTokenAgeSeconds', { maxTokenAgeSeconds: 60 }],
    ['maxTokenLifetimeSeconds', { maxTokenLifetimeSeconds: 60 }],
    ['profile', { profile: 'rfc9068' }],
  ])('rule 162: throws at start-up together with %s, which needs iat', (name, options) => {
    expect(errorOf({ ...loose, ...options })).toContain(`${name}: needs iat in every token`);
    expect(errorOf({ ...loose, issuer: undefined, ...options, issuers: [{ issuer: 'https://a.example.test' }] })).toContain(`${name}: needs iat`);
    expect(errorOf({ ...options, issuer: undefined, issuers: [{ issuer: 'https://a.example.test', ...loose }] })).toContain(`issuers[0].${name}: needs iat`);
  });

  test('refuses a token without iat if requiredClaims lists iat', async () => {
    const { verdict } = await createScene({ ...loose, requiredClaims: ['iat'] });
    expect(await verdict(token)).toBe('missing_claim');
  });
});

function errorOf(options: GuardOptions): string | undefined {
  return configurationErrorOf(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', ...options }))?.message;
}

describe('errors for wrong names and arguments', () => {
  test.each([
    ['tokenward:refusd', 'observe("tokenward:refusd"): is not an event: did you mean tokenward:refused? (events: tokenward:accepted'],
    ['refused', 'observe("refused"): is not an event (events'],
    ['toString', 'observe("toString"): is not an event (events'],
    [undefined, 'observe(undefined): is not an event'],
  ])('observe(%j) throws', (name, message) => {
    expect(() => observe(name as never, () => {})).toThrow(message);
  });

  test('observe throws without a listener', () => {
    expect(() => observe('tokenward:refused', undefined as never)).toThrow('the second argument must be a function');
  });

  test('the message of a ConfigurationError begins with tokenward', () => {
    expect(errorOf({ audiance: 'a' } as GuardOptions)).toMatch(/^tokenward: audiance: is not an option: did you mean audience\? \(options: /);
    expect(errorOf({ audiance: 'a', isuer: 'b' } as GuardOptions)).toMatch(/^tokenward: 2 invalid options:/);
    expect(() => scope()).toThrow(/^tokenward: scope\(\)/);
  });

  test('a preset suggests the correct name for its own option', () => {
    expect(() => cognito({ region: 'us-east-1', usrPoolId: 'us-east-1_x', clientIds: ['c'] } as never)).toThrow(
      'usrPoolId: is not an option of cognito(): did you mean userPoolId?',
    );
  });
});
