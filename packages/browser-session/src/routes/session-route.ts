import type { Refresher } from '../refresh/refresher.js';
import type { EndReason, FoundSession } from '../sessions.js';
import type { PendingLogouts } from './pending-logouts.js';
import type { RouteContext } from './route-context.js';

/** What routes need that work with an existing session, in addition to what every route needs. */
export interface SessionRouteContext extends RouteContext {
  readonly refresher: Refresher;
  readonly pendingLogouts: PendingLogouts;
}

/** Ends that were not reported when they happened. The routes and the refresh report the others. */
const FOUND_LATER: ReadonlySet<EndReason> = new Set(['idle', 'expired', 'revoked', 'unreadable']);

/** Publishes that a session has ended, if a request's cookie is the first sign of it, and revokes its refresh token in the background, if that is left. */
export function reportEnd(
  { reason, left }: Extract<FoundSession, { readonly kind: 'ended' }>,
  { publish, refresher }: Pick<SessionRouteContext, 'publish' | 'refresher'>,
): void {
  if (FOUND_LATER.has(reason)) publish('end', 'done', reason);
  if (left) refresher.revokeLeft(left);
}
