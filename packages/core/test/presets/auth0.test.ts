import { createResourceGuard, role, scope } from '@tokenward/core';
import { auth0 } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { ask, expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, given, problemsOf, times, type Shape } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

describe('auth0', () => {
  const usual = { domain: 'my-domain.auth0.com', audience: 'https://example.com/health-api' };
  const own: Shape = {
    claims: {
      iss: 'https://my-domain.auth0.com/',
      sub: 'auth0|123456',
      aud: ['https://example.com/health-api', 'https://my-domain.auth0.com/userinfo'],
      azp: 'my_client_id',
      ...times,
      scope: 'openid profile read:patients read:admin',
    },
  };
  const rfc9068: Shape = {
    header: { typ: 'at+jwt' },
    claims: { ...own.claims, azp: undefined, client_id: 'my_client_id', jti: '73WakrfVbNJBaAmhQtEeDv', permissions: ['read:patients', 'read:admin'] },
  };
  const idToken: Shape = {
    claims: {
      iss: 'https://my-domain.auth0.com/',
      sub: 'auth0|123456',
      aud: 'my_client_id',
      ...times,
      name: 'Jane Doe',
      email: 'jane@example.com',
    },
  };

  test('accepts both profiles, with the client in azp or client_id, and permissions as roles', async () => {
    const { auth } = expectAllowed(await decide(auth0({ ...given, ...usual }), own, scope('read:patients')));
    expect(auth).toMatchObject({ issuer: 'https://my-domain.auth0.com/', subject: 'auth0|123456', clientId: 'my_client_id', roles: [] });
    const second = expectAllowed(await decide(auth0({ ...given, ...usual, profile: 'rfc9068' }), rfc9068, role('read:admin')));
    expect(second.auth).toMatchObject({ clientId: 'my_client_id', tokenId: '73WakrfVbNJBaAmhQtEeDv', roles: ['read:patients', 'read:admin'] });
  });

  test('accepts a token of the client credentials grant', async () => {
    const machine = changed(own, {
      sub: 'awZfdIir8YFdGZWkvCejDoUb7SjTDicx@clients',
      aud: usual.audience,
      azp: 'awZfdIir8YFdGZWkvCejDoUb7SjTDicx',
      gty: 'client-credentials',
    });
    expect(expectAllowed(await decide(auth0({ ...given, ...usual }), machine)).auth?.clientId).toBe('awZfdIir8YFdGZWkvCejDoUb7SjTDicx');
  });

  test('reads roles from the claim in rolesClaim instead', async () => {
    const options = auth0({ ...given, ...usual, rolesClaim: 'https://example.com/roles' });
    expect(expectAllowed(await decide(options, changed(own, { 'https://example.com/roles': ['nurse'] }))).auth?.roles).toEqual(['nurse']);
  });

  test('refuses tokens of other types, issuers and audiences', async () => {
    await expectRefusals(auth0({ ...given, ...usual }), [
      ['an ID token', idToken, 'audience_mismatch'],
      ['an ID token for the API, with a nonce', changed(idToken, { aud: usual.audience, nonce: 'n' }), 'not_an_access_token'],
      ['a token only for /userinfo', changed(own, { aud: 'https://my-domain.auth0.com/userinfo' }), 'audience_mismatch'],
      ['a token for another API', changed(own, { aud: 'https://example.com/other-api' }), 'audience_mismatch'],
      ['a token of another tenant', changed(own, { iss: 'https://other.auth0.com/' }), 'issuer_mismatch'],
      ['the issuer without its final slash', changed(own, { iss: 'https://my-domain.auth0.com' }), 'issuer_mismatch'],
      ['a logout token', changed(own, { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, { typ: 'logout+jwt' }), 'wrong_type'],
    ]);
    const encrypted = ['eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiaXNzIjoiaHR0cHM6Ly9teS1kb21haW4uYXV0aDAuY29tLyJ9', '', 'aXY', 'Y2lwaGVy', 'dGFn'].join('.');
    expect(verdictOf(await ask(createResourceGuard(auth0({ ...given, ...usual })), encrypted))).toBe('encrypted_token');
  });

  test.each(['https://my-domain.auth0.com', 'my-domain.auth0.com/', 'My-Domain.auth0.com', '', ' my-domain.auth0.com', 'a@b.example', 'x y', undefined])(
    'refuses the domain %j',
    (domain) => {
      expect(problemsOf(() => auth0({ ...usual, domain: domain as string }))).toEqual([
        expect.stringMatching(
          /^domain: (?:is missing: set it to|must be) a host name such as example\.eu\.auth0\.com(?:: .* \(got [^)]*\)(?:\. Write "(?:my-domain\.auth0\.com|b\.example)")?)?$/,
        ),
      ]);
    },
  );

  test('accepts the listed organizations alone', async () => {
    const { token } = providers.auth0;
    const ofOrganization = optionsOf('auth0', { organizationIds: ['org_A1', 'org_B2'] });
    expect(verdictOf(await decide(ofOrganization, changed(token, { org_id: 'org_B2' })))).toBe('allow');
    expect(verdictOf(await decide(ofOrganization, changed(token, { org_id: 'org_B22' })))).toBe('invalid_claim');
    expect(verdictOf(await decide(ofOrganization, changed(token, { org_name: 'org_B2' })))).toBe('missing_claim');
    expect(problemsOf(() => providers.auth0.options({ organizationIds: ['acme'] }))).toEqual([
      expect.stringMatching(/^organizationIds: must be a list of IDs/),
    ]);
  });
});
