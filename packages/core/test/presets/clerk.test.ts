import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf, times } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.clerk;

describe('clerk', () => {
  test('accepts session tokens of its apps, with the role and the permissions in the organization', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('clerk'), token));
    expect(auth).toMatchObject({ subject: 'user_123', sessionId: 'sess_123', audience: [] });
    // 3 is both permissions of the first feature of the organization, and 2 the second one of the next
    expect(auth?.roles).toEqual(['org:admin', 'org:dashboard:read', 'org:dashboard:manage', 'org:impersonation:manage']);
    expect(expectAllowed(await decide(optionsOf('clerk'), changed(token, { o: undefined }))).auth?.roles).toEqual([]);
    const first = { v: undefined, sts: undefined, o: undefined, org_id: 'org_123', org_role: 'org:admin', org_permissions: ['org:invoices:read'] };
    expect(expectAllowed(await decide(optionsOf('clerk'), changed(token, first))).auth?.roles).toEqual(['org:admin', 'org:invoices:read']);
  });

  test.each<[string, object]>([
    ['numbers', { rol: 7, per: 7, fpm: 7 }],
    ['masks that are no numbers', { rol: 'admin', per: 'read', fpm: 'x,-1,1e400' }],
    ['masks for features of nobody', { rol: 'admin', per: 'read', fpm: '0,0,1' }],
  ])('reads no permission from %s', async (_what, o) => {
    expect(expectAllowed(await decide(optionsOf('clerk'), changed(token, { o }))).auth?.roles.filter((name) => name !== 'org:admin')).toEqual([]);
  });

  test('accepts sessions in the listed organizations alone', async () => {
    const ofOrganization = optionsOf('clerk', { organizationIds: ['org_123'] });
    expect(verdictOf(await decide(ofOrganization, token))).toBe('allow');
    await expectRefusals(ofOrganization, [
      ['another organization', changed(token, { o: { id: 'org_1234' } }), 'invalid_claim'],
      ['no organization', changed(token, { o: undefined }), 'missing_claim'],
      ['version 1', changed(token, { v: undefined }), 'missing_claim'],
    ]);
  });

  test('refuses look-alikes', async () => {
    await expectRefusals(optionsOf('clerk'), [
      ['a token of another app of the instance', changed(token, { azp: 'https://other.example.com' }), 'invalid_claim'],
      ['an origin that begins like it', changed(token, { azp: 'https://app.example.com.evil.test' }), 'invalid_claim'],
      ['a token without azp', changed(token, { azp: undefined }), 'missing_claim'],
      ['a token of a JWT template', changed(token, { sid: undefined, aud: 'https://hasura.example.com' }), 'missing_claim'],
      ['a session token with the aud of another API', changed(token, { aud: 'https://hasura.example.com' }), 'invalid_claim'],
      ['a token of a JWT template without aud', changed(token, { sid: undefined }), 'missing_claim'],
      ['a session with an open task', changed(token, { sts: 'pending' }), 'invalid_claim'],
      ['a token for an OAuth client', changed(token, { client_id: 'client_1', scope: 'email' }), 'invalid_claim'],
      ['another instance', changed(token, { iss: 'https://example.clerk.accounts.dev' }), 'issuer_mismatch'],
    ]);
  });

  test('accepts access tokens of listed OAuth applications, if asked', async () => {
    const oauth = { iss: 'https://clerk.example.com', sub: 'user_123', client_id: 'client_1', scope: 'orders:read', jti: 'oat_123', ...times };
    const shape = { header: { typ: 'at+jwt' }, claims: oauth };
    const ofOAuth = optionsOf('clerk', { authorizedParties: undefined, oauthClients: ['client_1'] });
    expect(expectAllowed(await decide(ofOAuth, shape)).auth).toMatchObject({ clientId: 'client_1', scopes: ['orders:read'] });
    await expectRefusals(ofOAuth, [
      ['another client', changed(shape, { client_id: 'client_2' }), 'client_not_allowed'],
      ['a session token', token, 'client_not_allowed'],
      ['a session token that names a client', changed(token, { client_id: 'client_1', azp: undefined }), 'invalid_claim'],
      ['a machine', changed(shape, { sub: 'mch_123', client_id: undefined }), 'client_not_allowed'],
    ]);
    expect(verdictOf(await decide(optionsOf('clerk'), shape))).not.toBe('allow');
  });

  test('requires an audience if one is set', async () => {
    const withAudience = optionsOf('clerk', { audience: 'orders' });
    expect(verdictOf(await decide(withAudience, token))).toBe('audience_mismatch');
    expect(verdictOf(await decide(withAudience, changed(token, { aud: 'orders' })))).toBe('allow');
  });

  test.each<[object, RegExp]>([
    [{ domain: 'https://clerk.example.com' }, /^domain: must be a host name/],
    [{ authorizedParties: undefined }, /^authorizedParties: is missing/],
    [{ authorizedParties: ['app.example.com'] }, /^authorizedParties: must be a list of origins/],
    [{ authorizedParties: ['https://*.example.com'] }, /^authorizedParties: must be a list of origins/],
    [{ authorizedParties: ['https://app.example.com/'] }, /^authorizedParties: must be a list of origins/],
    [{ oauthClients: ['client_1'] }, /^oauthClients: cannot be combined with authorizedParties/],
    [{ organizationIds: ['acme'] }, /^organizationIds: must be a list/],
    [{ allowedClients: ['a'] }, /^allowedClients: is set by the preset/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
