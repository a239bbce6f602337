import { assertNone, type ProviderShape } from './provider-shape.js';

const PROJECT = '269152346434019332';

/** The audience is a project, whose roles the token has. @see https://zitadel.com/docs/apis/openidoauth/claims */
export const zitadel: ProviderShape = {
  path: '',
  type: 'JWT',
  audience: PROJECT,
  claims({ issuer, audience, subject = '269152346434019336', clientId = '269152346434019333', scopes, roles, issuedAt, expiresAt }) {
    assertNone('Zitadel', 'scopes', scopes, 'Use roles');
    const project = [audience ?? PROJECT].flat()[0]!;
    const granted = Object.fromEntries(roles.map((role) => [role, { '269152346434019337': 'acme.zitadel.cloud' }]));
    return {
      aud: [...new Set([clientId, audience ?? PROJECT].flat())],
      client_id: clientId,
      exp: expiresAt,
      iat: issuedAt,
      iss: issuer,
      jti: `V2_${crypto.randomUUID()}`,
      nbf: issuedAt,
      sub: subject,
      ...(roles.length > 0 && { 'urn:zitadel:iam:org:project:roles': granted, [`urn:zitadel:iam:org:project:${project}:roles`]: granted }),
    };
  },
};
