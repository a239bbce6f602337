import { isProduction, misuse, type START_TEST_SESSION, type TestableBrowserSession, type TestSessionTokens } from '@tokenward/core/store';
import type { SessionConfig } from './config.js';
import { newSession } from './new-session.js';
import type { Sessions } from './sessions.js';

/**
 * Returns the method by which tests start a session without a login. It refuses in production, where anybody who could call it could log in as any user.
 *
 * @throws ConfigurationError (the promise rejects) if `NODE_ENV` is `production`, or if the tokens are incomplete
 */
export function createTestSessionStart(config: SessionConfig, sessions: Pick<Sessions, 'start'>): TestableBrowserSession[typeof START_TEST_SESSION] {
  return async (tokens) => {
    if (isProduction()) throw misuse('session', 'starts no session of a test, since NODE_ENV is "production"');
    checkTokens(tokens);
    const { subject, accessToken, accessTokenEndsAt, scopes, issuedAt, refreshToken, idToken, issuerSessionId } = tokens;
    const issued = { subject, accessToken, accessTokenEndsAt, scopes: [...scopes], issuedAt, refreshToken, idToken, issuerSessionId };
    const unknown = { sessionEndsAt: undefined, refreshTokenEndsAt: undefined };
    return sessions.start(newSession({ ...issued, ...unknown, issuer: config.issuer }, config));
  };
}

function checkTokens({
  subject,
  accessToken,
  accessTokenEndsAt,
  issuedAt,
  scopes,
  refreshToken = '-',
  idToken = '-',
  issuerSessionId = '-',
}: TestSessionTokens): void {
  const texts = { subject, accessToken, refreshToken, idToken, issuerSessionId };
  const noText = Object.entries(texts).find(([, text]) => typeof text !== 'string' || text === '')?.[0];
  if (noText !== undefined) throw misuse(`${noText} of a session of a test`, 'must be a string that is not empty');
  if (!Number.isFinite(accessTokenEndsAt) || !Number.isFinite(issuedAt))
    throw misuse('accessTokenEndsAt and issuedAt of a session of a test', 'must be seconds since the epoch');
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string' && /^\S+$/.test(scope)))
    throw misuse('scopes of a session of a test', 'must be a list of names without white space');
}
