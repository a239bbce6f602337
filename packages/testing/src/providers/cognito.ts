import { listed, scopeText, type ProviderShape } from './provider-shape.js';

/** @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html */
export const cognito: ProviderShape = {
  path: '/eu-central-1_AbCdEfGhI',
  type: undefined,
  // most tokens have no audience
  audience: '',
  claims: ({
    issuer,
    audience,
    subject = '8f14e45f-ceea-467a-9575-1c7a1b2c3d4e',
    clientId = '57cbishk4j24pabc1234567890',
    scopes,
    roles,
    issuedAt,
    expiresAt,
  }) => ({
    sub: subject,
    'cognito:groups': listed(roles),
    iss: issuer,
    aud: audience === '' ? undefined : audience,
    version: 2,
    client_id: clientId,
    origin_jti: crypto.randomUUID(),
    event_id: crypto.randomUUID(),
    token_use: 'access',
    scope: scopeText(scopes) ?? 'aws.cognito.signin.user.admin',
    auth_time: issuedAt,
    exp: expiresAt,
    iat: issuedAt,
    jti: crypto.randomUUID(),
    username: 'ada',
  }),
};
