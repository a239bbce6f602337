import { randomBytes } from 'node:crypto';
import type { SessionConfig } from './config.js';
import type { LoginResult } from './oidc/login-client.js';
import { refreshTime } from './refresh/refresh-time.js';
import { sessionEnd } from './session-end.js';
import type { SessionState } from './session-state.js';

/** Returns a new session for a login, with a new id. */
export function newSession(result: LoginResult, config: Pick<SessionConfig, 'clock' | 'maxSeconds' | 'refreshAheadSeconds'>): SessionState {
  const now = Math.floor(config.clock.now() / 1000);
  const { sessionEndsAt: issuerEndsAt, refreshTokenEndsAt } = result;
  return {
    id: randomBytes(32).toString('base64url'),
    version: 1,
    issuer: result.issuer,
    subject: result.subject,
    issuerSessionId: result.issuerSessionId,
    issuedAt: result.issuedAt,
    accessToken: result.accessToken,
    accessTokenEndsAt: result.accessTokenEndsAt,
    refreshAt: refreshTime(now, result.accessTokenEndsAt, config.refreshAheadSeconds),
    scopes: result.scopes,
    refreshToken: result.refreshToken,
    idToken: result.idToken,
    startedAt: now,
    usedAt: now,
    issuerEndsAt,
    endsAt: sessionEnd({ startedAt: now, issuerEndsAt, refreshTokenEndsAt }, config.maxSeconds),
  };
}
