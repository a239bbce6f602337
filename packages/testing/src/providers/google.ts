import { assertNone, type ProviderShape } from './provider-shape.js';

/**
 * ID tokens of service accounts, with which workloads call APIs.
 *
 * @see https://cloud.google.com/docs/authentication/token-types#id
 */
export const google: ProviderShape = {
  path: '',
  type: 'JWT',
  claims({ issuer, audience, subject = '104029292853099978293', clientId = subject, scopes, roles, issuedAt, expiresAt }) {
    assertNone('Google', 'scopes', scopes, 'Tell callers apart by subject');
    assertNone('Google', 'roles', roles, 'Tell callers apart by subject');
    return {
      aud: audience,
      azp: clientId,
      email: 'worker@example-project.iam.gserviceaccount.com',
      email_verified: true,
      exp: expiresAt,
      iat: issuedAt,
      iss: issuer,
      sub: subject,
    };
  },
};
