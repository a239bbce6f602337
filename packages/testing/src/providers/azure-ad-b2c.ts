import { listed, scopeText, type ProviderShape } from './provider-shape.js';

/** Tokens of the policy B2C_1_signin. @see https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview */
export const azureAdB2c: ProviderShape = {
  path: '/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
  endsWithSlash: true,
  type: 'JWT',
  claims: ({ issuer, audience, subject = '884408e1-2918-4cb0-b12d-3aa027d7563b', clientId = 'test-client', scopes, roles, issuedAt, expiresAt }) => ({
    iss: issuer,
    exp: expiresAt,
    nbf: issuedAt,
    aud: audience,
    sub: subject,
    tfp: 'B2C_1_signin',
    scp: scopeText(scopes),
    roles: listed(roles),
    azp: clientId,
    ver: '1.0',
    iat: issuedAt,
  }),
};
