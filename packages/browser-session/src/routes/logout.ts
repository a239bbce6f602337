import { revokeRefreshToken } from '../refresh/revoke-refresh-token.js';
import type { SessionState } from '../session-state.js';
import type { EndingSession } from '../sessions.js';
import { jsonAnswer } from './answers.js';
import { crossSiteRefusal } from './cross-site.js';
import type { LogoutForm } from './pending-logouts.js';
import { reportEnd, type SessionRouteContext } from './session-route.js';

/** Servers and proxies refuse long URLs, some from 2,048 characters on. */
const MAX_URL_LENGTH = 2000;

/**
 * Ends the session: `POST <path>/logout`. It first ends here, which always succeeds for this browser. Then its newest refresh token is revoked at
 * the issuer (RFC 7009). The answer says where the browser goes to log out there. Without a session this does nothing, so it may be called twice.
 */
export async function logoutRoute(request: Request, context: SessionRouteContext): Promise<Response> {
  const { config, sessions, publish } = context;
  const refusal = crossSiteRefusal(request, config.origin);
  if (refusal) {
    publish('logout', 'refused', 'cross_site_request');
    return refusal;
  }
  const cookieHeader = request.headers.get('cookie') ?? undefined;
  const forget = sessions.forget(cookieHeader);
  const found = await sessions.find(cookieHeader);
  if (found.kind === 'ended') reportEnd(found, context);
  if (found.kind === 'none' || found.kind === 'ended') return jsonAnswer({ location: null }, forget);
  if (found.kind === 'unavailable') {
    const state = await endUnread(found.session, context);
    await revokeRefreshToken(state?.refreshToken, 'logout', context);
    return located(await logoutAtIssuer(state?.idToken, context), forget);
  }
  const { newest, isKnownEverywhere } = await context.refresher.logOut(found.state, cookieHeader);
  const [isRevoked, logout] = await Promise.all([revokeRefreshToken(newest.refreshToken, 'logout', context), logoutAtIssuer(newest.idToken, context)]);
  if (isKnownEverywhere && isRevoked) publish('logout', 'done');
  return located(logout, forget);
}

/** Ends a session that cannot be read now: no copy of its cookie may stay valid. Returns its newest state, if it could be removed all the same. */
async function endUnread(session: EndingSession | undefined, { refresher, publish }: SessionRouteContext): Promise<SessionState | undefined> {
  publish('logout', 'failed', 'store_unavailable');
  try {
    return session && (await refresher.endReplaced(session, undefined, false));
  } catch {
    // it has been published
    return undefined;
  }
}

/** Where the browser logs out at the issuer, and the lines that it needs for that. */
interface IssuerLogout {
  readonly location: string | null;
  readonly setCookies: readonly string[];
}

async function logoutAtIssuer(idToken: string | undefined, context: SessionRouteContext): Promise<IssuerLogout> {
  const { client, config } = context;
  const request = await client.logoutRequest(idToken, config.afterLogout);
  if (!request) return { location: null, setCookies: [] };
  const url = urlOf(request);
  if (url.length <= MAX_URL_LENGTH) return { location: url, setCookies: [] };
  const setCookies = await keep(request, context);
  if (setCookies) return { location: `${config.origin}${config.path}/logout/continue`, setCookies };
  // without the hint the issuer asks the user
  const { id_token_hint: _hint, ...parameters } = request.parameters;
  return { location: urlOf({ url: request.url, parameters }), setCookies: [] };
}

async function keep(form: LogoutForm, { pendingLogouts }: SessionRouteContext): Promise<readonly string[] | undefined> {
  try {
    return await pendingLogouts.keep(form);
  } catch {
    // whatever a store throws: the session has ended, and the answer must reach the browser
    return undefined;
  }
}

function urlOf({ url, parameters }: LogoutForm): string {
  const address = new URL(url);
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return address.href;
}

function located({ location, setCookies }: IssuerLogout, forget: readonly string[]): Response {
  return jsonAnswer({ location }, [...forget, ...setCookies]);
}
