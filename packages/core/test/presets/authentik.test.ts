import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.authentik;

describe('authentik', () => {
  test('accepts access tokens of the application, with groups and entitlements as roles', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('authentik'), token));
    expect(auth).toMatchObject({ clientId: 'wFOcvKzBZLYcmqVmbQoZ', sessionId: 'c0ffee', roles: ['clerks', 'refunds'] });
    const global = optionsOf('authentik', { issuerMode: 'global' });
    expect(verdictOf(await decide(global, changed(token, { iss: 'https://auth.example.com/' })))).toBe('allow');
    expect(verdictOf(await decide(global, token))).toBe('issuer_mismatch');
    expect(options().jwksUri).toBe('https://auth.example.com/application/o/orders/jwks/');
  });

  test('refuses look-alikes', async () => {
    const idToken = changed(token, { uid: undefined, azp: undefined, nonce: 'n', at_hash: 'LTQ' });
    await expectRefusals(optionsOf('authentik'), [
      ['an ID token', idToken, 'not_an_access_token'],
      ['an ID token without nonce and at_hash', changed(idToken, { nonce: undefined, at_hash: undefined }), 'missing_claim'],
      ['an ID token with azp', changed(idToken, { nonce: undefined, at_hash: undefined, azp: 'wFOcvKzBZLYcmqVmbQoZ' }), 'missing_claim'],
      ['another application', changed(token, { iss: 'https://auth.example.com/application/o/billing/' }), 'issuer_mismatch'],
      ['an application whose slug begins like it', changed(token, { iss: 'https://auth.example.com/application/o/orders-2/' }), 'issuer_mismatch'],
      ['the issuer without its slash', changed(token, { iss: 'https://auth.example.com/application/o/orders' }), 'issuer_mismatch'],
      ['another client', changed(token, { aud: 'x', azp: 'x' }), 'audience_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ url: 'https://auth.example.com/application/o/orders/' }, /^url: must not contain the application/],
    [{ application: undefined }, /^application: is missing/],
    [{ application: 'a/b' }, /^application: must be the slug/],
    [{ issuerMode: 'both' }, /^issuerMode: must be "per_provider" or "global"/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
