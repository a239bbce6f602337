import type { SessionUser } from '../browser-session.js';
import type { SessionState } from '../session-state.js';
import { jsonAnswer, unavailableAnswer } from './answers.js';
import { crossSiteRefusal } from './cross-site.js';
import { reportEnd, type SessionRouteContext } from './session-route.js';

/**
 * Says who is logged in: `GET <path>/user`. The status is 200 even if nobody is logged in. It refreshes nothing, since pages call it often.
 */
export async function userRoute(request: Request, { config, sessions, refresher, publish }: SessionRouteContext): Promise<Response> {
  const refusal = crossSiteRefusal(request, config.origin);
  if (refusal) return refusal;
  const found = await sessions.find(request.headers.get('cookie') ?? undefined);
  switch (found.kind) {
    case 'none':
      return jsonAnswer({ user: null });
    case 'unavailable':
      return unavailableAnswer();
    case 'ended':
      reportEnd(found, { publish, refresher });
      return jsonAnswer({ user: null }, found.setCookies);
    case 'session': {
      const { state, setCookies } = refresher.newest(found.state);
      return jsonAnswer({ user: userOf(state) }, setCookies.length > 0 ? setCookies : found.setCookies);
    }
  }
}

/** Returns what a page may know about the user. */
export function userOf({ subject, scopes, accessTokenEndsAt }: SessionState): SessionUser {
  return { subject, scopes: [...scopes], expiresAt: accessTokenEndsAt };
}
