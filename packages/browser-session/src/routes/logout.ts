import { crossSiteCause } from '../csrf.js';
import type { SessionState } from '../session-state.js';
import { crossSiteAnswer, jsonAnswer } from './answers.js';
import type { LogoutForm } from './pending-logouts.js';
import { reportEnd, type SessionRouteContext } from './session-route.js';

/** Servers and proxies refuse long URLs, some from 2,048 characters on. */
const MAX_URL_LENGTH = 2000;

/**
 * Ends the session: `POST <path>/logout`. First here, which always succeeds for this browser; then the refresh token is revoked at the issuer. The answer says
 * where the browser goes to log out there. Without a session it does nothing, so it may be called twice.
 */
export async function logoutRoute(request: Request, context: SessionRouteContext): Promise<Response> {
  const { config, sessions, publish } = context;
  if (crossSiteCause(request.headers, config.origin) !== undefined) {
    publish('logout', 'refused', 'cross_site_request');
    return crossSiteAnswer();
  }
  const cookieHeader = request.headers.get('cookie') ?? undefined;
  const forget = sessions.forget(cookieHeader);
  const found = await sessions.find(cookieHeader);
  if (found.kind === 'ended') reportEnd(found.reason, publish);
  if (found.kind === 'none' || found.kind === 'ended') return jsonAnswer({ location: null }, forget);
  if (found.kind === 'unavailable') {
    await endUnread(found.id, context);
    return located(await logoutAtIssuer(undefined, context), forget);
  }
  const isEnded = await endHere(found.state, cookieHeader, context);
  const state = await context.refresher.forget(found.state);
  const [isRevoked, logout] = await Promise.all([revokeAtIssuer(state, context), logoutAtIssuer(state.idToken, context)]);
  if (isEnded && isRevoked) publish('logout', 'done');
  return located(logout, forget);
}

/** Returns whether the whole fleet knows. If not, the session has ended in this process, and the browser loses its cookie. */
async function endHere(state: SessionState, cookieHeader: string | undefined, { sessions, publish }: SessionRouteContext): Promise<boolean> {
  try {
    await sessions.end(state, 'logout', cookieHeader);
    return true;
  } catch {
    publish('logout', 'failed', 'store_unavailable');
    return false;
  }
}

/** The store cannot be read, so the refresh token is not known. But no copy of the cookie must live on. */
async function endUnread(id: string | undefined, { sessions, publish }: SessionRouteContext): Promise<void> {
  publish('logout', 'failed', 'store_unavailable');
  try {
    if (id !== undefined) await sessions.endReplaced(id);
  } catch {
    // it has been published
  }
}

/** RFC 7009. The issuer may be down: that is no reason to stay logged in here. */
async function revokeAtIssuer({ refreshToken }: SessionState, { client, publish }: SessionRouteContext): Promise<boolean> {
  const failure = refreshToken === undefined ? undefined : await client.revoke(refreshToken);
  if (!failure) return true;
  publish('logout', 'failed', failure.failure === 'refused' ? 'issuer_refused' : failure.failure === 'invalid' ? 'invalid_response' : 'issuer_unavailable');
  return false;
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
