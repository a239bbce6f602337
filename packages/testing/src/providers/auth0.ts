import { listed, scopeText, type ProviderShape } from './provider-shape.js';

/** @see https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles */
export const auth0: ProviderShape = {
  path: '',
  endsWithSlash: true,
  type: 'JWT',
  claims: ({
    issuer,
    audience,
    subject = 'auth0|64f0c1e2a3b4c5d6e7f80912',
    clientId = 'dDq8eZ3bU5mPxTfC1vLkR9wAy0sJhN2g',
    scopes,
    roles,
    issuedAt,
    expiresAt,
  }) => ({
    iss: issuer,
    sub: subject,
    aud: scopes.includes('openid') ? [audience, `${issuer}userinfo`].flat() : audience,
    iat: issuedAt,
    exp: expiresAt,
    scope: scopeText(scopes),
    azp: clientId,
    permissions: listed(roles),
  }),
};
