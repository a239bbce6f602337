import { assertNone, listed, type ProviderShape } from './provider-shape.js';

/** The audience is the project. @see https://firebase.google.com/docs/auth/admin/verify-id-tokens */
export const firebase: ProviderShape = {
  path: '',
  type: 'JWT',
  audience: 'example-project',
  claims({ issuer, audience, subject = 'GZ5Uk6N3xYQ2JkP9', clientId, scopes, roles, issuedAt, expiresAt }) {
    assertNone('Firebase', 'scopes', scopes, 'Use roles, which are a custom claim');
    return {
      iss: issuer,
      aud: audience,
      azp: clientId,
      auth_time: issuedAt,
      user_id: subject,
      sub: subject,
      iat: issuedAt,
      exp: expiresAt,
      email: 'ada@example.com',
      email_verified: true,
      roles: listed(roles),
      firebase: { identities: { email: ['ada@example.com'] }, sign_in_provider: 'password' },
    };
  },
};
