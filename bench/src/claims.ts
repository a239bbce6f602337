import { randomUUID } from 'node:crypto';

export const AUDIENCE = 'https://api.example.com';

/** Long enough that no token expires during a run. */
const LIFETIME_SECONDS = 3600;

/**
 * Returns the claims of an access token of ordinary size: with a 2048-bit RSA signature and the headers used here, the token has about 925 bytes.
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
