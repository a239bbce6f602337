import { randomUUID } from 'node:crypto';

export const AUDIENCE = 'https://api.example.com';

/** Far enough ahead that no token runs out before the bench is done. */
const LIFETIME_SECONDS = 3600;

/**
 * What an authorization server writes into an access token of the usual size: with a 2048-bit RSA signature and the headers used here it is
 * some 925 bytes long.
 */
export function accessTokenClaims(issuer: string, overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    sub: `user-${randomUUID()}`,
    aud: AUDIENCE,
    iat: now,
    exp: now + LIFETIME_SECONDS,
    auth_time: now - 60,
    jti: randomUUID(),
    client_id: 'web-shop',
    sid: randomUUID(),
    scope: 'openid profile orders:read orders:write reports:read',
    roles: ['clerk', 'auditor'],
    ...overrides,
  };
}
