import { jsonAnswer, noSessionAnswer, notFoundAnswer, unavailableAnswer } from './answers.js';
import { crossSiteRefusal } from './cross-site.js';
import { reportEnd, type SessionRouteContext } from './session-route.js';

/**
 * Gives the page the access token: `POST <path>/token`, in mode `token-mediating` alone (RFC 10017). The refresh token never leaves the server (rule 136).
 */
export async function tokenRoute(request: Request, { config, sessions, refresher, publish }: SessionRouteContext): Promise<Response> {
  if (config.mode !== 'token-mediating') return notFoundAnswer();
  const refusal = crossSiteRefusal(request, config.origin);
  if (refusal) return refusal;
  const cookieHeader = request.headers.get('cookie') ?? undefined;
  const found = await sessions.find(cookieHeader);
  if (found.kind === 'none') return noSessionAnswer();
  if (found.kind === 'unavailable') return unavailableAnswer();
  if (found.kind === 'ended') {
    reportEnd(found, { publish, refresher });
    return noSessionAnswer(found.setCookies);
  }
  const refreshed = await refresher.fresh(found.state, cookieHeader);
  if (refreshed.outcome === 'unavailable') return unavailableAnswer(found.setCookies, refreshed.retryAfterSeconds);
  if (refreshed.outcome === 'ended') return noSessionAnswer(refreshed.setCookies);
  const { accessToken, accessTokenEndsAt, scopes } = refreshed.state;
  return jsonAnswer(
    { accessToken, expiresAt: accessTokenEndsAt, scopes: [...scopes] },
    refreshed.setCookies.length > 0 ? refreshed.setCookies : found.setCookies,
  );
}
