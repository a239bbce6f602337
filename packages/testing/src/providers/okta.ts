import { listed, type ProviderShape } from './provider-shape.js';

/** @see https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token */
export const okta: ProviderShape = {
  path: '/oauth2/default',
  type: undefined,
  audience: 'api://default',
  claims: ({ issuer, audience, subject = 'ada@example.com', clientId = '0oa1gjh63g214q0Hq0g4', scopes, roles, issuedAt, expiresAt }) => ({
    ver: 1,
    jti: `AT.${crypto.randomUUID().replaceAll('-', '')}`,
    iss: issuer,
    aud: audience,
    iat: issuedAt,
    exp: expiresAt,
    cid: clientId,
    uid: '00u1gjh63g214q0Hq0g4',
    scp: listed(scopes),
    auth_time: issuedAt,
    sub: subject,
    groups: listed(roles),
  }),
};
