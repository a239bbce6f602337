import { assertNone, listed, type ProviderShape } from './provider-shape.js';

/** @see https://workos.com/docs/reference/authkit/session-tokens */
export const workos: ProviderShape = {
  path: '',
  type: undefined,
  audience: '',
  claims({ issuer, audience, subject = 'user_01HBEQKA6K4QJAS93VPE39W1JT', clientId, scopes, roles, issuedAt, expiresAt }) {
    assertNone('WorkOS', 'scopes', scopes, 'Use roles, which are read from roles and permissions');
    return {
      iss: issuer,
      aud: audience === '' ? undefined : audience,
      sub: subject,
      client_id: clientId,
      org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
      role: roles[0],
      roles: listed(roles),
      permissions: [],
      sid: 'session_01HQSXZGF8FHF7A9ZZFCW4387R',
      jti: crypto.randomUUID(),
      exp: expiresAt,
      iat: issuedAt,
    };
  },
};
