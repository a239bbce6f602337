import { createResourceGuard, not, role, scope, type GuardOptions } from '@tokenward/core';
import { describe, expect, test } from 'vitest';
import { configurationErrorOf, createScene, expectAllowed } from './guarded.js';

describe('rolesClaim and scopesClaim', () => {
  test('a function reads roles that are an object, and what it can not read refuses and is told', async () => {
    const rolesClaim: GuardOptions['rolesClaim'] = (claims) => Object.keys(claims['urn:zitadel:iam:org:project:roles'] as object);
    const { decide, verdict } = await createScene({ rolesClaim });
    const claims = { 'urn:zitadel:iam:org:project:roles': { admin: { 1: 'example' } } };
    expect(expectAllowed(await decide({ claims }, { policy: role('admin') })).auth?.roles).toEqual(['admin']);
    expect(await verdict({ claims }, { policy: not(role('suspended')) })).toBe('allow');
    // without the claim the function throws
    expect(await verdict({}, { policy: not(role('suspended')) })).toBe('policy_refused');
    const refusal = await decide({}, { policy: role('admin') });
    expect(refusal).toMatchObject({ reason: 'insufficient_role', cause: expect.stringContaining('unreadable: the function failed') });
    expect(await verdict({})).toBe('allow');
  });

  test('scopesClaim says where scopes are, of each issuer by itself', async () => {
    const { verdict } = await createScene({ scopesClaim: 'permissions' });
    expect(await verdict({ scope: 'x', claims: { permissions: ['a'] } }, { policy: scope('a') })).toBe('allow');
    expect(await verdict({ scope: 'x', claims: { permissions: ['a'] } }, { policy: scope('x') })).toBe('insufficient_scope');
  });

  test.each<[string, string]>([
    ['realm_access.roles', "['realm_access', 'roles'], or ['realm_access.roles']"],
    ['resource_access.orders-api.roles', "['resource_access', 'orders-api', 'roles']"],
  ])('%s looks like a path, and stops the start', (name, advice) => {
    for (const option of ['rolesClaim', 'scopesClaim'])
      for (const part of [`${option}: is ${JSON.stringify(name)}, which looks like a path. `, advice]) expect(errorOf({ [option]: name })).toContain(part);
  });

  test.each(['https://example.com/roles', 'cognito:groups', 'urn:zitadel:iam:org:project:roles', 'roles', ['realm_access.roles'], ['realm_access', 'roles']])(
    '%j is a name, or a path',
    (rolesClaim) => {
      expect(errorOf({ rolesClaim })).toBeUndefined();
    },
  );

  test.each([7, '', null, {}, [], [[]], [['a'], 'b']])('%j is neither', (given) => {
    for (const option of ['rolesClaim', 'scopesClaim']) expect(errorOf({ [option]: given })).toContain(option);
  });

  test('a resolver that answers with another function answers with another issuer', async () => {
    const { issuer } = await createScene();
    let reader: (claims: object) => string[] = () => ['a'];
    const guard = createResourceGuard({ audience: issuer.audience, issuers: () => ({ issuer: issuer.issuer, jwks: issuer.jwks, rolesClaim: reader }) });
    const request = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
    expect(expectAllowed(await guard.check({ ...request })).auth?.roles).toEqual(['a']);
    reader = () => ['b'];
    expect(expectAllowed(await guard.check({ ...request })).auth?.roles).toEqual(['b']);
  });
});

describe('unsafeAcceptTokensWithoutIssuedAt', () => {
  const loose: GuardOptions = { unsafeAcceptTokensWithoutIssuedAt: true };
  const token = { claims: { iat: undefined, sid: 's-1' } };

  test('accepts tokens without iat, and no option accepts them by itself', async () => {
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
    ['its own name', { tokenId: 'jti-1' }],
  ])('a revocation of %s hits them, whenever they were issued', async (_what, target) => {
    const { clock, guard, issuer, verdict } = await createScene(loose);
    const known = await issuer.issueToken({ claims: { ...token.claims, jti: 'jti-1' } });
    expect(await verdict(known)).toBe('allow');
    await guard.revocations.revoke(target, { at: clock.now() / 1000 - 3600, until: clock.now() / 1000 + 7200 });
    expect(await verdict(known)).toBe('revoked');
    clock.advance(3000);
    expect(await verdict({ claims: { ...token.claims, jti: 'jti-1' } })).toBe('revoked');
    expect(await verdict({ subject: 'user-2', clientId: 'client-2', claims: { iat: undefined, sid: 's-2' } })).toBe('allow');
  });

  test('a revocation of the whole issuer hits them', async () => {
    const { guard, issuer, verdict } = await createScene(loose);
    await guard.revocations.revoke({ issuer: issuer.issuer });
    expect(await verdict(token)).toBe('revoked');
  });

  test.each<[string, GuardOptions]>([
    ['maxTokenAgeSeconds', { maxTokenAgeSeconds: 60 }],
    ['maxTokenLifetimeSeconds', { maxTokenLifetimeSeconds: 60 }],
    ['profile', { profile: 'rfc9068' }],
  ])('rule 162: %s needs iat, and stops the start, wherever it stands', (name, options) => {
    expect(errorOf({ ...loose, ...options })).toContain(`${name}: needs iat in every token`);
    expect(errorOf({ ...loose, issuer: undefined, ...options, issuers: [{ issuer: 'https://a.example.test' }] })).toContain(`${name}: needs iat`);
    expect(errorOf({ ...options, issuer: undefined, issuers: [{ issuer: 'https://a.example.test', ...loose }] })).toContain(`issuers[0].${name}: needs iat`);
  });

  test('requiredClaims still demand it, and the shadow tells of it', async () => {
    const { verdict } = await createScene({ ...loose, requiredClaims: ['iat'] });
    expect(await verdict(token)).toBe('missing_claim');
  });
});

function errorOf(options: GuardOptions): string | undefined {
  return configurationErrorOf(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', ...options }))?.message;
}
