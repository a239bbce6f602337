import { listed, scopeText, type ProviderShape } from './provider-shape.js';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

/** @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
export const entraExternalId: ProviderShape = {
  path: `/${TENANT}/v2.0`,
  type: 'JWT',
  claims: ({ issuer, audience, subject = 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ', clientId = 'test-client', scopes, roles, issuedAt, expiresAt }) => ({
    aud: audience,
    iss: issuer,
    iat: issuedAt,
    nbf: issuedAt,
    exp: expiresAt,
    azp: clientId,
    azpacr: '0',
    oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    scp: scopeText(scopes),
    roles: listed(roles),
    sub: subject,
    tid: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(issuer)?.[0] ?? TENANT,
    ver: '2.0',
  }),
};
