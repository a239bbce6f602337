import { assertNone, listed, type ProviderShape } from './provider-shape.js';

/** @see https://supabase.com/docs/guides/auth/jwt-fields */
export const supabase: ProviderShape = {
  path: '/auth/v1',
  type: 'JWT',
  audience: 'authenticated',
  claims({ issuer, audience, subject = '123e4567-e89b-12d3-a456-426614174000', clientId, scopes, roles, issuedAt, expiresAt }) {
    assertNone('Supabase', 'scopes', scopes, 'Use roles, which are read from app_metadata');
    return {
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: issuedAt }],
      app_metadata: { provider: 'email', providers: ['email'], roles: listed(roles) },
      aud: audience,
      client_id: clientId,
      email: 'ada@example.com',
      exp: expiresAt,
      iat: issuedAt,
      iss: issuer,
      phone: '',
      role: 'authenticated',
      session_id: crypto.randomUUID(),
      sub: subject,
      user_metadata: {},
      is_anonymous: false,
    };
  },
};
