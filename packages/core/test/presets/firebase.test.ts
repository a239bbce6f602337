import { describe, expect, test } from 'vitest';
import { createResourceGuard } from '@tokenward/core';
import { firebase } from '@tokenward/core/presets';
import { ask, expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.firebase;
const signedInBy = (sign_in_provider: string, more: object = {}) => changed(token, { firebase: { identities: {}, sign_in_provider, ...more } });

describe('firebase', () => {
  test('accepts ID tokens of the project, with roles from a custom claim', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('firebase'), token));
    expect(auth).toMatchObject({ subject: 'GZ5Uk6N3xYQ2JkP9', audience: ['shop-1a2b3'], roles: ['clerk'] });
    expect(verdictOf(await decide(optionsOf('firebase'), signedInBy('google.com')))).toBe('allow');
  });

  test('accepts anonymous users only if asked', async () => {
    expect(verdictOf(await decide(optionsOf('firebase'), signedInBy('anonymous')))).toBe('invalid_claim');
    expect(verdictOf(await decide(optionsOf('firebase', { acceptAnonymousUsers: true }), signedInBy('anonymous')))).toBe('allow');
  });

  test('accepts the users of one tenant, if one is set', async () => {
    const ofTenant = optionsOf('firebase', { tenantId: 'shop-abc12', requiredValues: { firebase: { sign_in_provider: 'password' } } });
    expect(verdictOf(await decide(ofTenant, signedInBy('password', { tenant: 'shop-abc12' })))).toBe('allow');
    await expectRefusals(ofTenant, [
      ['another tenant', signedInBy('password', { tenant: 'shop-abc123' }), 'invalid_claim'],
      ['no tenant', token, 'missing_claim'],
      ['a tenant as a claim of its own', changed(token, { tenant: 'shop-abc12' }), 'missing_claim'],
      ['another provider, which the options forbid as well', signedInBy('google.com', { tenant: 'shop-abc12' }), 'invalid_claim'],
      ['an anonymous user of the tenant', signedInBy('anonymous', { tenant: 'shop-abc12' }), 'invalid_claim'],
    ]);
  });

  test('refuses the users of tenants, unless one or all are accepted', async () => {
    const ofTenant = signedInBy('password', { tenant: 'shop-abc12' });
    expect(verdictOf(await decide(optionsOf('firebase'), ofTenant))).toBe('invalid_claim');
    expect(verdictOf(await decide(optionsOf('firebase', { forbiddenClaims: ['act'] }), ofTenant))).toBe('invalid_claim');
    const ofAll = optionsOf('firebase', { acceptAllTenants: true });
    for (const shape of [token, ofTenant]) expect(verdictOf(await decide(ofAll, shape))).toBe('allow');
  });

  test('takes session cookies only if asked, and then no ID tokens', async () => {
    const cookie = changed(token, { iss: 'https://session.firebase.google.com/shop-1a2b3' });
    expect(verdictOf(await decide(optionsOf('firebase'), cookie))).toBe('issuer_mismatch');
    const ofCookies = optionsOf('firebase', { sessionCookies: true });
    expect(verdictOf(await decide(ofCookies, cookie))).toBe('allow');
    expect(verdictOf(await decide(ofCookies, token))).toBe('issuer_mismatch');
    expect([firebase({ projectId: 'shop-1a2b3' }).jwksUri, firebase({ projectId: 'shop-1a2b3', sessionCookies: true }).jwksUri]).toEqual([
      'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
      'https://identitytoolkit.googleapis.com/v1/sessionCookiePublicKeys',
    ]);
  });

  test('refuses look-alikes', async () => {
    const emulator = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
    const payload = Buffer.from(JSON.stringify(token.claims)).toString('base64url');
    const unsigned = await ask(createResourceGuard(optionsOf('firebase')), `${emulator}.${payload}.`);
    expect(verdictOf(unsigned)).toBe('malformed_token');
    await expectRefusals(optionsOf('firebase'), [
      ['another project', changed(token, { iss: 'https://securetoken.google.com/shop-2', aud: 'shop-2' }), 'issuer_mismatch'],
      ['a project whose ID begins like it', changed(token, { iss: 'https://securetoken.google.com/shop-1a2b34' }), 'issuer_mismatch'],
      ['another aud', changed(token, { aud: 'shop-2' }), 'audience_mismatch'],
      ['no sub', changed(token, { sub: undefined }), 'missing_claim'],
      ['an empty sub', changed(token, { sub: '' }), 'invalid_claim'],
      ['no auth_time', changed(token, { auth_time: undefined }), 'missing_claim'],
      ['an ID token of Google', changed(token, { iss: 'https://accounts.google.com', firebase: undefined }), 'issuer_mismatch'],
      ['a custom token', changed(token, { iss: 'firebase-adminsdk@shop-1a2b3.iam.gserviceaccount.com', firebase: undefined }), 'issuer_mismatch'],
      ['a token of App Check', changed(token, { iss: 'https://firebaseappcheck.googleapis.com/123', aud: ['projects/shop-1a2b3'] }), 'issuer_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ projectId: undefined }, /^projectId: is missing/],
    [{ projectId: '123456789012' }, /^projectId: must be the project's ID/],
    [{ projectId: 'shop/../x' }, /^projectId: must be the project's ID/],
    [{ tenantId: 'a b' }, /^tenantId: must be the ID of a tenant/],
    [{ tenantId: 'shop-abc12', acceptAllTenants: true }, /^acceptAllTenants: cannot be combined with tenantId/],
    [{ audience: 'shop-1a2b3' }, /^audience: is the project/],
    [{ tenantId: 'shop-abc12', requiredValues: { firebase: { tenant: 'x' } } }, /^requiredValues\.firebase\.tenant: is already required/],
    [{ forbiddenValues: { firebase: 'x' } }, /^forbiddenValues\.firebase: must have the same form/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
