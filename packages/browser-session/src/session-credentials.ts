import type { ProtectedRequest } from '@tokenward/core';
import type { SessionFailure, SessionToken } from '@tokenward/core/store';
import type { RequestHeaders } from './browser-session.js';
import { cookieOf, NO_LINES } from './cookies/cookie-header.js';
import { crossSiteCause, crossSiteHeader } from './csrf.js';
import type { Refreshed } from './refresh/refresher.js';
import { headerOf } from './request-headers.js';
import { warnAboutOrigin } from './routes/origin-warning.js';
import { reportEnd, type SessionRouteContext } from './routes/session-route.js';
import type { FoundSession } from './sessions.js';

/** What a request's session gives a guard or a proxy: the access token, why there is none, or undefined without a session. */
export type Credentials = SessionToken | SessionFailure | undefined;

/** Finds the access token of a request's session. It never rejects because of a request, an issuer or a store. */
export interface SessionCredentials {
  /** The result is a promise only if something must be fetched or decrypted. */
  of(request: Pick<ProtectedRequest, 'headers'>): Credentials | Promise<Credentials>;
}

type Parts = Pick<SessionRouteContext, 'config' | 'sessions' | 'refresher' | 'publish' | 'warn'>;

/**
 * @param crossSite returns why a request may come from another site. It counts only for requests with a session cookie: others have nothing that another site
 * could use
 */
export function createSessionCredentials(
  { config, sessions, refresher, publish, warn }: Parts,
  crossSite: (headers: RequestHeaders, origin: string) => string | undefined = crossSiteCause,
): SessionCredentials {
  const { cookieName, origin } = config;

  function judge(found: FoundSession, cookieHeader: string): Credentials | Promise<Credentials> {
    switch (found.kind) {
      case 'none':
        return undefined;
      case 'unavailable':
        return failure('session_unavailable', found.cause, NO_LINES);
      case 'ended':
        reportEnd(found, { publish, refresher });
        return failure('session_ended', END_WORDS[found.reason], found.setCookies);
      case 'session': {
        const refreshed = refresher.fresh(found.state, cookieHeader);
        return refreshed instanceof Promise
          ? refreshed.then((settled) => credentialsOf(settled, found.setCookies))
          : credentialsOf(refreshed, found.setCookies);
      }
    }
  }

  return {
    of({ headers }) {
      const cookieHeader = headerOf(headers, 'cookie');
      // a cheap test first: most requests without a session do not contain the name at all
      if (cookieHeader === undefined || !cookieHeader.includes(cookieName)) return undefined;
      const cause = crossSite(headers, origin);
      // the name may be part of another cookie
      if (cause !== undefined) {
        if (cookieOf(cookieHeader, cookieName) === undefined) return undefined;
        warnAboutOrigin(headers, config, warn);
        return { ...failure('cross_site_request', cause, NO_LINES), ...crossSiteHeader(headers, origin) };
      }
      const found = sessions.find(cookieHeader);
      return found instanceof Promise ? found.then((settled) => judge(settled, cookieHeader)) : judge(found, cookieHeader);
    },
  };
}

function credentialsOf(refreshed: Refreshed, setCookies: readonly string[]): Credentials {
  switch (refreshed.outcome) {
    // the lines of a refresh also note the use
    case 'fresh':
      return { token: refreshed.state.accessToken, headers: headersWith(refreshed.setCookies.length > 0 ? refreshed.setCookies : setCookies) };
    case 'ended':
      return failure('session_ended', END_WORDS[refreshed.reason], refreshed.setCookies);
    case 'unavailable':
      // the lines that note the use: during an outage of the issuer, a session must not end as idle
      return { ...failure('session_unavailable', refreshed.cause, setCookies), retryAfterSeconds: refreshed.retryAfterSeconds };
  }
}

function failure(reason: SessionFailure['reason'], cause: string, setCookies: readonly string[]): SessionFailure {
  return { reason, cause, headers: headersWith(setCookies), token: undefined };
}

function headersWith(setCookies: readonly string[]): SessionToken['headers'] {
  return setCookies.length === 0 ? undefined : { 'set-cookie': [...setCookies] };
}

/** For operators, after "its session has ended: ". */
const END_WORDS = {
  logout: 'the user has logged out',
  backchannel_logout: 'the issuer has ended the session (back-channel logout)',
  revoked: 'it was revoked',
  idle: 'it was not used for longer than idleSeconds',
  expired: 'it has reached its end, its access token ended and there is no refresh token, or the store no longer has it',
  refresh_refused: 'the issuer refused its refresh token',
  invalid_response: "the issuer's answer to a refresh failed a check",
  replaced: 'a new login has replaced it',
  unreadable: 'its cookie was sealed with a secret that is gone, or was changed',
} as const satisfies Record<Extract<FoundSession, { readonly kind: 'ended' }>['reason'], string>;
