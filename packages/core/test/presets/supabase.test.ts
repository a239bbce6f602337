import { describe, expect, onTestFinished, test } from 'vitest';
import { createSecretKey } from 'node:crypto';
import { createResourceGuard } from '@tokenward/core';
import { supabase } from '@tokenward/core/presets';
import { asSigningKey, createTestIssuer } from '@tokenward/testing';
import { ask, expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, clock, given, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.supabase;
const keyOf = (role: string) => changed(token, { iss: 'supabase', ref: 'abcdefghijklmnopqrst', role, aud: undefined, sub: undefined, session_id: undefined });

describe('supabase', () => {
  test('accepts tokens of users, with roles from claims that users cannot change', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('supabase'), token));
    expect(auth).toMatchObject({ subject: '123e4567-e89b-12d3-a456-426614174000', audience: ['authenticated'], roles: ['clerk'] });
    const byHook = changed(token, { user_role: 'auditor', app_metadata: { provider: 'email' } });
    expect(expectAllowed(await decide(optionsOf('supabase'), byHook)).auth?.roles).toEqual(['auditor']);
  });

  test('accepts anonymous users and OAuth clients only if asked', async () => {
    const anonymous = changed(token, { is_anonymous: true });
    const ofClient = changed(token, { client_id: '9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d', scope: 'openid email' });
    await expectRefusals(optionsOf('supabase'), [
      ['an anonymous user', anonymous, 'invalid_claim'],
      ['a token for an OAuth client', ofClient, 'invalid_claim'],
    ]);
    expect(verdictOf(await decide(optionsOf('supabase', { acceptAnonymousUsers: true }), anonymous))).toBe('allow');
    expect(expectAllowed(await decide(optionsOf('supabase', { acceptOAuthClients: true }), ofClient)).auth?.clientId).toMatch(/^9a8b/);
  });

  test('refuses look-alikes', async () => {
    await expectRefusals(optionsOf('supabase'), [
      ['the anon key', keyOf('anon'), 'issuer_mismatch'],
      ['the service_role key', keyOf('service_role'), 'issuer_mismatch'],
      ['the anon key with the issuer of users', changed(keyOf('anon'), { iss: token.claims['iss'], aud: 'authenticated' }), 'missing_claim'],
      ['a user with the role service_role', changed(token, { role: 'service_role' }), 'invalid_claim'],
      ['no session', changed(token, { session_id: undefined }), 'missing_claim'],
      ['another project', changed(token, { iss: 'https://bbbbbbbbbbbbbbbbbbbb.supabase.co/auth/v1' }), 'issuer_mismatch'],
      ['the project without its path', changed(token, { iss: 'https://abcdefghijklmnopqrst.supabase.co' }), 'issuer_mismatch'],
      ['another audience', changed(token, { aud: 'anon' }), 'audience_mismatch'],
    ]);
  });

  test('rule 285: the legacy secret replaces the key pairs, or is accepted together with them', async () => {
    const secret = 'a-secret-of-at-least-32-characters-for-the-test';
    const issuer = await createTestIssuer({ clock });
    onTestFinished(() => issuer.close());
    const key = asSigningKey('HS256', createSecretKey(Buffer.from(secret)), 'legacy');
    const none = { client_id: undefined, jti: undefined, scope: undefined };
    const signedWithSecret = ({ claims }: typeof token) => issuer.issueToken({ key, header: { typ: 'JWT', kid: undefined }, claims: { ...none, ...claims } });
    const legacy = await signedWithSecret(token);
    const sharedSecrets = { utf8: secret };
    const alone = options({ clock, sharedSecrets });
    expect(alone).not.toHaveProperty('jwksUri');
    expect(verdictOf(await ask(createResourceGuard(alone), legacy))).toBe('allow');
    const migrating = options({ clock, sharedSecrets, algorithms: ['HS256', 'ES256'] });
    expect(migrating.jwksUri).toBe('https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json');
    expect(verdictOf(await ask(createResourceGuard({ ...migrating, jwksUri: undefined, jwks: given.jwks, algorithms: ['HS256', 'RS256'] }), legacy))).toBe(
      'allow',
    );
    expect(verdictOf(await ask(createResourceGuard(optionsOf('supabase')), legacy))).toBe('algorithm_not_allowed');
    const anonKey = await signedWithSecret(keyOf('anon'));
    expect(verdictOf(await ask(createResourceGuard(alone), anonKey))).toBe('issuer_mismatch');
    expect(verdictOf(await ask(createResourceGuard(optionsOf('supabase')), anonKey))).toBe('algorithm_not_allowed');
  });

  test('takes the address of other servers', () => {
    for (const url of ['https://api.example.com', 'https://api.example.com/', 'http://127.0.0.1:54321']) {
      const made = supabase({ url });
      expect([made.issuer, made.jwksUri]).toEqual([`${url.replace(/\/$/, '')}/auth/v1`, `${url.replace(/\/$/, '')}/auth/v1/.well-known/jwks.json`]);
    }
  });

  test.each<[object, RegExp]>([
    [{ projectRef: undefined }, /^projectRef: is missing/],
    [{ projectRef: 'abc' }, /^projectRef: must be/],
    [{ url: 'https://a.example.com' }, /^url: cannot be combined with projectRef/],
    [{ projectRef: undefined, url: 'http://a.example.com' }, /^url: must use https/],
    [{ requiredValues: { role: 'anon' } }, /^requiredValues\.role: is already required/],
    [{ acceptAnonymousUsers: 'yes' }, /^acceptAnonymousUsers: must be true or false/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
