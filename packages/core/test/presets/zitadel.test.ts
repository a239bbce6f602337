import { describe, expect, test } from 'vitest';
import { expectAllowed } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.zitadel;

describe('zitadel', () => {
  test('accepts access tokens for the project, with its roles and those of no other', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('zitadel'), token));
    expect(auth).toMatchObject({ clientId: '269152346434019333', roles: ['clerk', 'auditor'] });
    expect(expectAllowed(await decide(optionsOf('zitadel', { organizationId: '1' }), token)).auth?.roles).toEqual(['clerk']);
    expect(expectAllowed(await decide(optionsOf('zitadel', { organizationId: 'toString' }), token)).auth?.roles).toEqual([]);
    for (const roles of [undefined, 'clerk', ['clerk'], null]) {
      const odd = changed(token, { 'urn:zitadel:iam:org:project:269152346434019332:roles': roles });
      expect(expectAllowed(await decide(optionsOf('zitadel'), odd)).auth?.roles).toEqual([]);
    }
  });

  test('refuses look-alikes', async () => {
    const idToken = changed(token, { jti: undefined, azp: '269152346434019333', auth_time: 1, amr: ['pwd'], at_hash: 'LTQ' });
    await expectRefusals(optionsOf('zitadel'), [
      ['an ID token', idToken, 'not_an_access_token'],
      ['an ID token without at_hash', changed(idToken, { at_hash: undefined }), 'missing_claim'],
      ['an ID token with a jti', changed(idToken, { at_hash: undefined, jti: '1' }), 'invalid_claim'],
      ['a token for another project', changed(token, { aud: ['269152346434019333'] }), 'audience_mismatch'],
      ['a token of another instance', changed(token, { iss: 'https://example-abc124.zitadel.cloud' }), 'issuer_mismatch'],
      ['a token without a client', changed(token, { client_id: undefined }), 'missing_claim'],
      ['an assertion with the key of a service account', changed(token, { iss: '269152346434019336', aud: token.claims['iss'] }), 'issuer_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ url: undefined }, /^url: is missing/],
    [{ projectId: undefined }, /^projectId: is missing/],
    [{ projectId: 'orders' }, /^projectId: must be the ID of a project/],
    [{ organizationId: 7 }, /^organizationId: must be a non-empty string/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
