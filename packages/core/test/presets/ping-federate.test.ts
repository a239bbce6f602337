import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.pingFederate;

describe('pingFederate', () => {
  test('accepts access tokens of an access token manager, with scopes as a list or a text', async () => {
    expect(expectAllowed(await decide(optionsOf('pingFederate'), token)).auth).toMatchObject({ clientId: 'web-shop', scopes: ['orders:read'] });
    expect(expectAllowed(await decide(optionsOf('pingFederate'), changed(token, { scope: 'a b' }))).auth?.scopes).toEqual(['a', 'b']);
    const groups = optionsOf('pingFederate', { rolesClaim: 'memberOf' });
    expect(expectAllowed(await decide(groups, changed(token, { memberOf: ['clerks'] }))).auth?.roles).toEqual(['clerks']);
    expect(options().jwksUri).toBe('https://sso.example.com/pf/JWKS');
    expect(options({ url: 'https://sso.example.com:9031/', jwksPath: '/ext/orders' }).jwksUri).toBe('https://sso.example.com:9031/ext/orders');
  });

  test('refuses look-alikes', async () => {
    const idToken = changed(token, { client_id: undefined, scope: undefined, 'pi.sri': 'x', nonce: 'n' }, { typ: 'JWT', 'pi.atm': undefined });
    await expectRefusals(optionsOf('pingFederate'), [
      ['an ID token', idToken, 'not_an_access_token'],
      ['an ID token without nonce', changed(idToken, { nonce: undefined }), 'missing_claim'],
      ['a token for another API', changed(token, { aud: 'https://other.example.com' }), 'audience_mismatch'],
      ['a token without aud', changed(token, { aud: undefined }), 'audience_mismatch'],
      ['another server', changed(token, { iss: 'https://sso.example.com:9031' }), 'issuer_mismatch'],
      ['a token without iat', changed(token, { iat: undefined }), 'missing_claim'],
    ]);
    expect(verdictOf(await decide(optionsOf('pingFederate', { unsafeAcceptTokensWithoutIssuedAt: true }), changed(token, { iat: undefined })))).toBe('allow');
  });

  test.each<[object, RegExp]>([
    [{ url: undefined }, /^url: is missing/],
    [{ jwksPath: 'pf/JWKS' }, /^jwksPath: must be a path/],
    [{ jwksPath: '/ext/../x' }, /^jwksPath: must be a path/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
