import { scope } from '@tokenward/core';
import { okta } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, given, now, problemsOf, times, type Shape } from './provider-tokens.js';

describe('okta', () => {
  const usual = { domain: 'dev-123.okta.com', authorizationServerId: '0oacqf8qaJw56czJi0g4', audience: 'https://api.example.com' };
  const token: Shape = {
    header: {},
    claims: {
      ver: 1,
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      iss: 'https://dev-123.okta.com/oauth2/0oacqf8qaJw56czJi0g4',
      aud: 'https://api.example.com',
      sub: '00ujmkLgagxeRrAg20g3',
      ...times,
      cid: 'nmdP1fcyvdVO11AL7ECm',
      uid: '00ujmkLgagxeRrAg20g3',
      scp: ['openid', 'email', 'flights', 'custom'],
      auth_time: now - 100,
      custom_claim: 'CustomValue',
      groups: ['Everyone', 'pilots'],
    },
  };
  const idToken: Shape = {
    header: {},
    claims: {
      ver: 1,
      sub: '00ujmkLgagxeRrAg20g3',
      iss: 'https://dev-123.okta.com/oauth2/0oacqf8qaJw56czJi0g4',
      aud: 'nmdP1fcyvdVO11AL7ECm',
      ...times,
      jti: 'ID.4eAWJOCMB3SX8XewDfVR',
      amr: ['pwd'],
      idp: '00o1n8sbwArJ7OQRw406',
      auth_time: now - 100,
      preferred_username: 'jane@example.com',
    },
  };

  test('accepts tokens of a custom authorization server, with cid, scp and groups', async () => {
    const { auth } = expectAllowed(await decide(okta({ ...given, ...usual }), token, scope('flights')));
    expect(auth).toMatchObject({ clientId: 'nmdP1fcyvdVO11AL7ECm', scopes: ['openid', 'email', 'flights', 'custom'], roles: ['Everyone', 'pilots'] });
  });

  test('uses the default authorization server if none is set', async () => {
    const options = okta({ ...given, domain: usual.domain, audience: 'api://default' });
    const ofDefault = changed(token, { iss: 'https://dev-123.okta.com/oauth2/default', aud: 'api://default' });
    expect(verdictOf(await decide(options, ofDefault))).toBe('allow');
    expect(verdictOf(await decide(options, changed(token, { aud: 'api://default' })))).toBe('issuer_mismatch');
  });

  test('refuses tokens of other types, issuers and audiences', async () => {
    await expectRefusals(okta({ ...given, ...usual }), [
      ['an ID token', idToken, 'audience_mismatch'],
      ['an ID token with the API as its audience', changed(idToken, { aud: usual.audience }), 'missing_claim'],
      ['an ID token from the authorize endpoint', changed(idToken, { aud: usual.audience, cid: 'x', at_hash: 'h', nonce: 'n' }), 'not_an_access_token'],
      ['a token of another server of the organization', changed(token, { iss: 'https://dev-123.okta.com/oauth2/default' }), 'issuer_mismatch'],
      ["a token of the organization's own server", changed(token, { iss: 'https://dev-123.okta.com', aud: 'https://dev-123.okta.com' }), 'issuer_mismatch'],
      ["the token type of the organization's own server", changed(token, {}, { typ: 'application/okta-internal-at+jwt' }), 'wrong_type'],
      ['a token of another organization', changed(token, { iss: 'https://dev-456.okta.com/oauth2/0oacqf8qaJw56czJi0g4' }), 'issuer_mismatch'],
      ['a token for another API', changed(token, { aud: 'https://other.example.com' }), 'audience_mismatch'],
    ]);
    const ofOne = okta({ ...given, ...usual, allowedClients: ['another'] });
    expect(verdictOf(await decide(ofOne, token))).toBe('client_not_allowed');
  });

  test.each<[object, RegExp]>([
    [{ domain: 'https://dev-123.okta.com' }, /^domain: must be a host name .*\. Write "dev-123\.okta\.com"$/],
    [{ domain: 'dev-123-admin.okta.com' }, /^domain: .*without -admin/],
    [{ authorizationServerId: 'a/b' }, /^authorizationServerId: must be .* \(got "a\/b"\)/],
    [{ authorizationServerId: '' }, /^authorizationServerId: must be .* \(got ""\)/],
    [{ authorizationServerId: 7 }, /^authorizationServerId: must be .* \(got a number\)/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => okta({ ...usual, ...wrong }))).toEqual([expect.stringMatching(message)]);
  });
});
