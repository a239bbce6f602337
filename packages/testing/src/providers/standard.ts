import { scopeText, type ProviderShape } from './provider-shape.js';

/** An access token of RFC 9068, with `roles`. */
export const standard: ProviderShape = {
  path: '',
  type: 'at+jwt',
  claims: ({ issuer, audience, subject = 'user-1', clientId = 'client-1', scopes, roles, issuedAt, expiresAt }) => ({
    iss: issuer,
    aud: audience,
    sub: subject,
    client_id: clientId,
    jti: crypto.randomUUID(),
    iat: issuedAt,
    exp: expiresAt,
    scope: scopeText(scopes),
    roles: roles.length > 0 ? roles : undefined,
  }),
};
