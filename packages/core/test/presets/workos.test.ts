import { describe, expect, test } from 'vitest';
import { workos } from '@tokenward/core/presets';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.workos;

describe('workos', () => {
  test('accepts tokens of sessions, whichever form of the issuer they have', async () => {
    for (const iss of ['https://api.workos.com', 'https://api.workos.com/', 'https://api.workos.com/user_management/client_123456789']) {
      const { auth } = expectAllowed(await decide(optionsOf('workos'), changed(token, { iss })));
      expect(auth).toMatchObject({ sessionId: 'session_01HQSXZGF8FHF7A9ZZFCW4387R', roles: ['member', 'posts:read', 'posts:write'], audience: [] });
    }
    const custom = optionsOf('workos', { domain: 'auth.example.com' });
    expect(verdictOf(await decide(custom, changed(token, { iss: 'https://auth.example.com' })))).toBe('allow');
    expect(verdictOf(await decide(custom, token))).toBe('issuer_mismatch');
  });

  test('fetches the keys of the client', () => {
    const { issuers } = workos({ clientId: 'client_123456789' });
    expect(new Set(issuers.map(({ jwksUri }) => jwksUri))).toEqual(new Set(['https://api.workos.com/sso/jwks/client_123456789']));
  });

  test('accepts the listed organizations alone', async () => {
    const ofOrganization = optionsOf('workos', { organizationIds: ['org_01HRDMC6CM357W30QMHMQ96Q0S'] });
    expect(verdictOf(await decide(ofOrganization, token))).toBe('allow');
    expect(verdictOf(await decide(ofOrganization, changed(token, { org_id: 'org_01' })))).toBe('invalid_claim');
    expect(verdictOf(await decide(ofOrganization, changed(token, { org_id: undefined })))).toBe('missing_claim');
  });

  test('refuses look-alikes', async () => {
    await expectRefusals(optionsOf('workos'), [
      ['another client', changed(token, { iss: 'https://api.workos.com/user_management/client_987654321' }), 'issuer_mismatch'],
      ['a client whose ID begins like it', changed(token, { iss: 'https://api.workos.com/user_management/client_1234567890' }), 'issuer_mismatch'],
      ['AuthKit as an OAuth server', changed(token, { iss: 'https://example.authkit.app', aud: 'client_123456789' }), 'issuer_mismatch'],
      ['a token for another API', changed(token, { aud: 'https://other.example.com' }), 'invalid_claim'],
      ['a token of no session', changed(token, { sid: undefined }), 'missing_claim'],
      ['a token of nobody', changed(token, { sub: undefined }), 'missing_claim'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ clientId: undefined }, /^clientId: is missing/],
    [{ clientId: 'client_1/../client_2' }, /^clientId: must be a client ID/],
    [{ domain: 'https://auth.example.com' }, /^domain: must be a host name/],
    [{ organizationIds: [] }, /^organizationIds: must be/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
