import { listed, type ProviderShape } from './provider-shape.js';

/** @see https://docs.pingidentity.com/pingfederate/latest/administrators_reference_guide/pf_configuring_json_based_access_token_management.html */
export const pingFederate: ProviderShape = {
  path: '',
  type: 'at+jwt',
  claims: ({ issuer, audience, subject = 'ada', clientId = 'test-client', scopes, roles, issuedAt, expiresAt }) => ({
    scope: listed(scopes),
    client_id: clientId,
    roles: listed(roles),
    iss: issuer,
    aud: audience,
    jti: crypto.randomUUID(),
    sub: subject,
    iat: issuedAt,
    exp: expiresAt,
  }),
};
