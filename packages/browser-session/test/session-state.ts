import { randomBytes } from 'node:crypto';
import type { SessionState } from '../src/session-state.js';

export const ISSUER = 'https://login.example.test';

/** Returns a session that has just begun, at a fixed time unless it is given another. */
export function sessionState(overrides: Partial<SessionState> = {}, nowSeconds = 1_800_000_000): SessionState {
  return {
    id: randomBytes(32).toString('base64url'),
    version: 1,
    issuer: ISSUER,
    subject: 'user-1',
    issuerSessionId: 'issuer-session-1',
    issuedAt: nowSeconds - 1,
    accessToken: randomText(900),
    accessTokenEndsAt: nowSeconds + 300,
    refreshAt: nowSeconds + 270,
    scopes: ['openid', 'offline_access', 'orders:read'],
    refreshToken: randomText(43),
    idToken: randomText(900),
    startedAt: nowSeconds,
    usedAt: nowSeconds,
    issuerEndsAt: undefined,
    endsAt: nowSeconds + 43_200,
    ...overrides,
  };
}

export function randomText(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}
