import { listed, scopeText, type ProviderShape } from './provider-shape.js';

/** @see https://www.keycloak.org/docs/latest/server_admin/#_audience */
export const keycloak: ProviderShape = {
  path: '/realms/test',
  type: 'JWT',
  claims: ({ issuer, audience, subject = '0c3d4f5a-6b7c-4d8e-9f01-23456789abcd', clientId = 'test-client', scopes, roles, issuedAt, expiresAt }) => ({
    exp: expiresAt,
    iat: issuedAt,
    jti: `onrtac:${crypto.randomUUID()}`,
    iss: issuer,
    aud: audience,
    sub: subject,
    typ: 'Bearer',
    azp: clientId,
    sid: crypto.randomUUID(),
    acr: '1',
    realm_access: listed(roles) && { roles },
    // the roles that every user has for the account console
    resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
    scope: scopeText(scopes) ?? '',
    email_verified: true,
    preferred_username: 'ada',
  }),
};
