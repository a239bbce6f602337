import { createResourceGuard, role } from '@tokenward/core';
import { keycloak } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { ask, expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, given, now, problemsOf, sign, times, type Shape } from './provider-tokens.js';

describe('keycloak', () => {
  const usual = { url: 'https://sso.example.com', realm: 'shop', audience: 'orders-api', clientId: 'orders-api' };
  const token: Shape = {
    claims: {
      exp: times.exp,
      iat: times.iat,
      auth_time: now - 100,
      jti: 'onrtac:0b8a1b5c-8e8d-4d7a-9a0b-7a1c1d4b9d51',
      iss: 'https://sso.example.com/realms/shop',
      aud: ['orders-api', 'account'],
      sub: 'f1c4f64e-2c0c-4cda-8c9f-9f3f8f3a2b0e',
      typ: 'Bearer',
      azp: 'web-shop',
      sid: '4c0a3a8a-3a47-4f2f-8e89-9e5f9b0a0a0a',
      acr: '1',
      'allowed-origins': ['https://shop.example.com'],
      realm_access: { roles: ['default-roles-shop', 'offline_access', 'uma_authorization'] },
      resource_access: {
        'orders-api': { roles: ['orders-clerk'] },
        'billing-api': { roles: ['billing-admin'] },
        account: { roles: ['manage-account', 'view-profile'] },
      },
      scope: 'openid profile email',
      email_verified: true,
      preferred_username: 'ada',
      email: 'ada@example.com',
    },
  };
  const ofType = (typ: unknown) => changed(token, { typ });

  test('accepts access tokens, with the roles of the realm and of one client', async () => {
    const { auth } = expectAllowed(await decide(keycloak({ ...given, ...usual }), token, role('orders-clerk')));
    expect(auth).toMatchObject({
      clientId: 'web-shop',
      sessionId: '4c0a3a8a-3a47-4f2f-8e89-9e5f9b0a0a0a',
      roles: ['default-roles-shop', 'offline_access', 'uma_authorization', 'orders-clerk'],
    });
    expect(verdictOf(await decide(keycloak({ ...given, ...usual }), token, role('billing-admin')))).toBe('insufficient_role');
    const ofRealm = keycloak({ ...given, ...usual, clientId: undefined });
    expect(expectAllowed(await decide(ofRealm, token)).auth?.roles).toEqual(['default-roles-shop', 'offline_access', 'uma_authorization']);
  });

  test('rule 36: accepts access tokens with the nonce and session_state of versions before 25, and no other tokens of theirs', async () => {
    const options = keycloak({ ...given, ...usual });
    const before25 = { nonce: '5a5e7f0c-0a3c-4a9c', session_state: '4c0a3a8a-3a47-4f2f-8e89-9e5f9b0a0a0a' };
    expect(verdictOf(await decide(options, changed(token, before25)))).toBe('allow');
    expect(verdictOf(await decide(options, changed(token, { ...before25, scope: undefined })))).toBe('allow');
    for (const typ of ['ID', 'Refresh', 'Offline', 'Logout']) {
      expect(verdictOf(await decide(options, changed(token, { ...before25, typ })))).toBe('not_an_access_token');
    }
    expect(verdictOf(await decide(options, changed(token, { ...before25, at_hash: 'LTQ' })))).toBe('not_an_access_token');
  });

  test('accepts the type at+jwt, lightweight tokens without roles, a client with dots in its name, and a server under a path', async () => {
    expect(verdictOf(await decide(keycloak({ ...given, ...usual }), changed(token, {}, { typ: 'at+jwt' })))).toBe('allow');
    const light = changed(token, { realm_access: undefined, resource_access: undefined });
    expect(expectAllowed(await decide(keycloak({ ...given, ...usual }), light)).auth?.roles).toEqual([]);
    const dotted = keycloak({ ...given, ...usual, url: 'https://sso.example.com/auth/', clientId: 'orders.api' });
    const ofDotted = changed(token, { iss: 'https://sso.example.com/auth/realms/shop', resource_access: { 'orders.api': { roles: ['clerk'] } } });
    expect(verdictOf(await decide(dotted, ofDotted, role('clerk')))).toBe('allow');
  });

  test('refuses tokens of other types, issuers and audiences', async () => {
    await expectRefusals(keycloak({ ...given, ...usual }), [
      ['an ID token', ofType('ID'), 'not_an_access_token'],
      ['a refresh token', ofType('Refresh'), 'not_an_access_token'],
      ['an offline token', ofType('Offline'), 'not_an_access_token'],
      ['a logout token', ofType('Logout'), 'not_an_access_token'],
      ['a serialized ID token', ofType('Serialized-ID'), 'invalid_claim'],
      ['an action token', ofType('execute-actions'), 'invalid_claim'],
      ['a registration access token', ofType('RegistrationAccessToken'), 'invalid_claim'],
      ['typ in another case', ofType('bearer'), 'invalid_claim'],
      ['no typ', ofType(undefined), 'missing_claim'],
      ['typ as a list', ofType(['Bearer']), 'invalid_claim'],
      ['a sender-constrained token', changed(token, { typ: 'DPoP', cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }), 'bound_token_as_bearer'],
      ['a token of another realm', changed(token, { iss: 'https://sso.example.com/realms/master' }), 'issuer_mismatch'],
      ['a realm whose name begins the same', changed(token, { iss: 'https://sso.example.com/realms/shop2' }), 'issuer_mismatch'],
      ['a token only for the account client', changed(token, { aud: 'account' }), 'audience_mismatch'],
      ['a token without an audience', changed(token, { aud: undefined }), 'audience_mismatch'],
    ]);
  });

  test('a realm set next to the preset is only that of the challenge', async () => {
    const guard = createResourceGuard({ ...keycloak({ ...given, ...usual }), realm: 'orders' });
    expect(await guard.check({ method: 'GET', target: '/', headers: {} })).toMatchObject({
      headers: { 'www-authenticate': ['Bearer realm="orders"', expect.stringMatching(/^DPoP realm="orders"/)] },
    });
    expect(verdictOf(await ask(guard, await sign(token)))).toBe('allow');
  });

  test.each<[object, RegExp]>([
    [{ url: undefined }, /^url: is missing/],
    [{ url: 'sso.example.com' }, /^url: is not an absolute URL/],
    [{ url: 'http://sso.example.com' }, /^url: must use https/],
    [{ url: 'https://sso.example.com/?x=y' }, /^url: has a query/],
    [{ url: 'https://sso.example.com/realms/shop' }, /^url: must not contain the realm/],
    [{ realm: 'shop/x' }, /^realm: must be .* \(got "shop\/x"\)/],
    [{ realm: '..' }, /^realm: must be .* \(got a string of 2 characters\)/],
    [{ realm: '' }, /^realm: must be .* \(got ""\)/],
    [{ clientId: '' }, /^clientId: must be .*\(got ""\)/],
    [{ requiredValues: { typ: 'Refresh' } }, /^requiredValues\.typ: is already required by the preset/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => keycloak({ ...usual, ...wrong }))).toEqual([expect.stringMatching(message)]);
  });
});
