import { ConfigurationError, TokenwardError } from '@tokenward/core';
import { attemptOf, deleteAttempts, loginCookieName, openAttempts } from '../cookies/login-cookies.js';
import { isOfOtherSite, isPrefetch } from '../csrf.js';
import { newSession } from '../new-session.js';
import { RETRY_MARK } from '../oidc/create-login-client.js';
import { warnAboutClock } from '../oidc/clock-difference.js';
import { isFailure, type LoginAttempt, type LoginResult } from '../oidc/login-client.js';
import { failurePage } from './failure-page.js';
import { fromOtherSite, liveSession, startLogin, wrongMethod } from './login.js';
import { loginAddress } from './login-parameters.js';
import { landingPage, notAhead, OTHER_SITE_HEADERS, page } from './pages.js';
import { revokeRefreshToken } from '../refresh/revoke-refresh-token.js';
import type { SessionState } from '../session-state.js';
import type { EndingSession } from '../sessions.js';
import type { RouteContext } from './route-context.js';
import type { SessionRouteContext } from './session-route.js';

const COOKIES_MISSING = 'Your browser did not send back the cookie of this login. Allow cookies for this site, or log in again.';
const STORE_DOWN = 'Your login could not be kept at the moment. Try again in a minute.';
const TOO_LARGE = 'Your login could not be kept, and another attempt would not help. Tell the operator of this app.';

/**
 * Completes a login: `GET <path>/callback`. Each answer deletes the cookie of the attempt, so `state` and code verifier are used once (rule 124). The cookie stays only
 * if this process has too many logins under way: the code was not sent, so the user can reload the page. A callback without an attempt of this browser starts a new
 * login: it came by the back button, from a bookmark, from another browser, or too late.
 */
export async function callbackRoute(request: Request, context: SessionRouteContext): Promise<Response> {
  const { client, config, loginSealer } = context;
  if (request.method !== 'GET') return wrongMethod();
  const url = new URL(request.url);
  const states = url.searchParams.getAll('state');
  const state = states.length === 1 ? states[0]! : '';
  const opened = await openAttempts(request.headers.get('cookie') ?? undefined, loginSealer, config);
  const attempt = attemptOf(opened, state);
  if (!attempt) return withoutAttempt(request, state, context, deleteAttempts(opened.useless));
  const deleted = deleteAttempts([loginCookieName(state), ...opened.useless]);

  const again = loginAddress({ returnTo: attempt.returnTo, acrValues: attempt.acrValues, maxAge: attempt.maxAge, more: attempt.more }, config);
  const result = await client.finish(url, attempt, request);
  if (isFailure(result)) {
    if (result.failure === 'busy') return failurePage(result, again, context, deleteAttempts(opened.useless));
    await revokeUnused(result.refreshToken, [attempt.replaces, await liveSession(request, context)], undefined, context);
    return failurePage(result, again, context, deleted);
  }
  return begin(request, result, attempt, again, context, deleted);
}

/** Begins the session. Its id is new in any case, so a planted cookie never becomes logged in (rule 128). */
async function begin(
  request: Request,
  result: LoginResult,
  attempt: LoginAttempt,
  again: string,
  context: SessionRouteContext,
  deleted: readonly string[],
): Promise<Response> {
  const { config, sessions, publish, warn } = context;
  const shown = await liveSession(request, context);
  const session = newSession(result, config);
  let setCookies: readonly string[];
  try {
    setCookies = await sessions.start(session);
  } catch (error) {
    // the tokens fit neither into cookies nor into what a store takes
    const isTooLarge = error instanceof ConfigurationError;
    publish('login', 'failed', isTooLarge ? 'tokens_too_large' : 'store_unavailable');
    // our own errors contain no secret, and their messages help: for example, that the tokens are too large for cookies, and how large they are
    const known = error instanceof TokenwardError ? error : undefined;
    warn(`tokenward: a login could not be kept: ${known?.message ?? 'the store failed'}`, `login not kept: ${known?.name}`);
    await revokeUnused(session.refreshToken, [attempt.replaces, shown], session.subject, context);
    if (isTooLarge) return page({ status: 500, title: 'You are not logged in', text: TOO_LARGE, setCookies: deleted });
    const link = { href: again, text: 'Log in again' };
    return page({ status: 503, title: 'You are not logged in', text: STORE_DOWN, link, setCookies: deleted, headers: { 'retry-after': '5' } });
  }
  publish('login', 'done');
  if (result.refreshToken === undefined) warn(noRefreshToken(config));
  warnAboutClock(result.issuedAt, config, warn);
  if (shown) await endReplaced(shown, shown, session, context);
  if (attempt.replaces && attempt.replaces.id !== shown?.id) await endReplaced(attempt.replaces, undefined, session, context);
  return landingPage(attempt.returnTo, [...deleted, ...setCookies]);
}

/** Without this warning, people would be logged out after minutes, and nothing would say why. */
function noRefreshToken({ issuer, scope, authorizationParameters }: RouteContext['config']): string {
  const isAskedFor = scope.split(' ').includes('offline_access');
  const remedies = [
    isAskedFor ? undefined : 'Add offline_access to the option scope',
    // OpenID Connect Core s11: without it, the issuer must ignore offline_access
    authorizationParameters['prompt'] === 'consent' ? undefined : "If the issuer demands consent for it, set authorizationParameters: { prompt: 'consent' }",
    'At the issuer, allow this client the grant refresh_token and the scope offline_access',
  ].filter((remedy) => remedy !== undefined);
  return `tokenward: ${issuer} issued no refresh token, so each session ends with its first access token. ${remedies.join('. ')}`;
}

/**
 * Revokes the refresh token of a login that failed. A previous session of the same user then continues, and may have the same grant, so in that case nothing is
 * revoked.
 *
 * @param former the previous sessions
 * @param subject who has logged in; undefined if that is not certain
 */
async function revokeUnused(
  refreshToken: string | undefined,
  former: readonly (Pick<SessionState, 'subject'> | undefined)[],
  subject: string | undefined,
  context: SessionRouteContext,
): Promise<void> {
  const isSharedGrant = former.some((one) => one && (subject === undefined || one.subject === subject));
  if (!isSharedGrant) await revokeRefreshToken(refreshToken, 'login', context);
}

/** Ends the session that the new one replaces. A failure is reported, but the login succeeds: the new session exists already. */
async function endReplaced(replaced: EndingSession, shown: SessionState | undefined, session: SessionState, context: SessionRouteContext): Promise<void> {
  const { refresher, publish } = context;
  let former: SessionState | undefined;
  try {
    former = await refresher.endReplaced(replaced, shown, replaced.subject === session.subject);
    publish('end', 'done', 'replaced');
  } catch {
    publish('end', 'failed', 'store_unavailable');
  }
  // Many issuers keep one grant per user and client. Revoking a refresh token of that grant would end the new session, too (RFC 7009 s2.1).
  if (former && former.subject !== session.subject) await revokeRefreshToken(former.refreshToken, 'end', context);
}

async function withoutAttempt(request: Request, state: string, context: SessionRouteContext, deleted: readonly string[]): Promise<Response> {
  const { config, publish } = context;
  if (isPrefetch(request.headers)) return notAhead('Log in');
  // Everybody can link to a callback. With such a link, another site must neither start a login nor learn whether somebody is logged in.
  const isForeign = isOfOtherSite(request.headers);
  if (!isForeign && (await liveSession(request, context)) !== undefined) return landingPage('/', deleted);
  publish('login', 'refused', 'unknown_attempt');
  const parameters = { returnTo: '/', isRetry: true };
  if (state.endsWith(RETRY_MARK)) {
    const link = { href: loginAddress({ returnTo: '/' }, config), text: 'Log in again' };
    const headers = isForeign ? OTHER_SITE_HEADERS : {};
    return page({ status: 400, title: 'You are not logged in', text: COOKIES_MISSING, link, setCookies: deleted, headers });
  }
  return isForeign ? fromOtherSite(request, parameters, context, deleted) : startLogin(request, parameters, context, deleted);
}
