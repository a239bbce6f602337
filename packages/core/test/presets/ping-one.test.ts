import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.pingOne;

describe('pingOne', () => {
  test('accepts access tokens for the resource, with and without typ at+jwt', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('pingOne'), token));
    expect(auth).toMatchObject({
      clientId: '75dbe77f-10a3-4e59-85fd-8c127544f17c',
      scopes: ['orders:read'],
      sessionId: '5c1b1a77-9f3e-4a54-a1a4-5a7d8d0a3c55',
    });
    expect(verdictOf(await decide(optionsOf('pingOne'), changed(token, {}, { typ: 'at+jwt' })))).toBe('allow');
    const custom = optionsOf('pingOne', { region: undefined, domain: 'auth.example.com' });
    expect(verdictOf(await decide(custom, changed(token, { iss: 'https://auth.example.com/as' })))).toBe('allow');
  });

  test('refuses look-alikes', async () => {
    const other = 'abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6';
    await expectRefusals(optionsOf('pingOne'), [
      ['a token for the PingOne API', changed(token, { aud: ['https://api.pingone.eu'] }), 'audience_mismatch'],
      ['an ID token for our audience', changed(token, { client_id: undefined, at_hash: undefined }), 'missing_claim'],
      ['an ID token with at_hash', changed(token, { at_hash: 'LTQ' }), 'not_an_access_token'],
      ['another environment', changed(token, { iss: `https://auth.pingone.eu/${other}/as` }), 'issuer_mismatch'],
      ['another environment in env', changed(token, { env: other }), 'invalid_claim'],
      ['the same environment in another region', changed(token, { iss: String(token.claims['iss']).replace('.eu', '.com') }), 'issuer_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ environmentId: 'prod' }, /^environmentId: must be the ID/],
    [{ region: 'us' }, /^region: must be one of com, ca, eu, asia, com\.au, sg/],
    [{ region: {} }, /^region: must be one of/],
    [{ domain: 'auth.example.com' }, /^region: cannot be combined with domain/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
