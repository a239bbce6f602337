import type { Refresher } from '../refresh/refresher.js';
import type { EndReason, FoundSession } from '../sessions.js';
import type { PendingLogouts } from './pending-logouts.js';
import type { RouteContext } from './route-context.js';

/** What the routes of a session that is there work with, besides what every route works with. */
export interface SessionRouteContext extends RouteContext {
  readonly refresher: Refresher;
  readonly pendingLogouts: PendingLogouts;
}

/** Those that nobody has reported when they happened: the routes and the refresh report the others. */
const FOUND_LATER: ReadonlySet<EndReason> = new Set(['idle', 'expired', 'revoked', 'unreadable']);

/** Publishes that a session has ended, if a request's cookie is the first sign of it, and has revoked what is left of it at the issuer. Nobody waits for that. */
export function reportEnd(
  { reason, left }: Extract<FoundSession, { readonly kind: 'ended' }>,
  { publish, refresher }: Pick<SessionRouteContext, 'publish' | 'refresher'>,
): void {
  if (FOUND_LATER.has(reason)) publish('end', 'done', reason);
  if (left) refresher.revokeLeft(left);
}
