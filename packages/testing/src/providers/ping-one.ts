import { listed, scopeText, type ProviderShape } from './provider-shape.js';

const ENVIRONMENT = 'abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6';

/** @see https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html */
export const pingOne: ProviderShape = {
  path: `/${ENVIRONMENT}/as`,
  type: 'at+jwt',
  claims: ({ issuer, audience, subject = '4f0b7c6e-6a52-4d8f-9f80-6c8e0c6f2d11', clientId = 'test-client', scopes, roles, issuedAt, expiresAt }) => ({
    client_id: clientId,
    iss: issuer,
    jti: crypto.randomUUID(),
    iat: issuedAt,
    exp: expiresAt,
    aud: [audience].flat(),
    scope: scopeText(scopes) ?? '',
    roles: listed(roles),
    sub: subject,
    sid: crypto.randomUUID(),
    // the issuer of a custom domain does not name it
    env: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(issuer)?.[0] ?? ENVIRONMENT,
    org: 'c9d9a1c2-51b5-4c8c-9a0e-3b2c2a0b8e55',
  }),
};
