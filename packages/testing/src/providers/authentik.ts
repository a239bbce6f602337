import { listed, scopeText, type ProviderShape } from './provider-shape.js';

/** The audience is the client. @see https://docs.goauthentik.io/add-secure-apps/providers/oauth2/ */
export const authentik: ProviderShape = {
  path: '/application/o/test',
  endsWithSlash: true,
  type: 'JWT',
  claims: ({ issuer, audience, subject = '2d3f6c9a2f5b4c1e8d7a6b5c4d3e2f1a', clientId, scopes, roles, issuedAt, expiresAt }) => ({
    iss: issuer,
    sub: subject,
    aud: audience,
    exp: expiresAt,
    iat: issuedAt,
    auth_time: issuedAt,
    acr: 'goauthentik.io/providers/oauth2/default',
    sid: crypto.randomUUID().replaceAll('-', ''),
    preferred_username: 'ada',
    groups: listed(roles),
    scope: scopeText(scopes),
    azp: clientId ?? [audience].flat()[0],
    uid: crypto.randomUUID().replaceAll('-', ''),
  }),
};
