import type { SessionConfig } from '../config.js';
import type { IssuedTokens } from '../oidc/login-client.js';
import { sessionEnd } from '../session-end.js';
import type { SessionState } from '../session-state.js';
import { refreshTime } from './refresh-time.js';

/** Returns the session with the tokens of a refresh. Who it belongs to, and when it began, never changes. */
export function renewedState(
  state: SessionState,
  tokens: IssuedTokens,
  { clock, maxSeconds, refreshAheadSeconds }: Pick<SessionConfig, 'clock' | 'maxSeconds' | 'refreshAheadSeconds'>,
): SessionState {
  const nowSeconds = Math.floor(clock.now() / 1000);
  const limit = sessionEnd({ startedAt: state.startedAt, issuerEndsAt: state.issuerEndsAt, refreshTokenEndsAt: tokens.refreshTokenEndsAt }, maxSeconds);
  return {
    ...state,
    version: state.version + 1,
    accessToken: tokens.accessToken,
    accessTokenEndsAt: tokens.accessTokenEndsAt,
    refreshAt: refreshTime(nowSeconds, tokens.accessTokenEndsAt, refreshAheadSeconds),
    scopes: tokens.scopes,
    refreshToken: tokens.refreshToken ?? state.refreshToken,
    idToken: tokens.idToken ?? state.idToken,
    usedAt: nowSeconds,
    // the old refresh token stays valid, so its expiry still applies
    endsAt: tokens.refreshToken === undefined ? Math.min(state.endsAt, limit) : limit,
  };
}
