import type { Refresher } from '../refresh/refresher.js';
import type { EndReason } from '../sessions.js';
import type { PendingLogouts } from './pending-logouts.js';
import type { RouteContext } from './route-context.js';

/** What the routes of a session that is there work with, besides what every route works with. */
export interface SessionRouteContext extends RouteContext {
  readonly refresher: Refresher;
  readonly pendingLogouts: PendingLogouts;
}

/** Those that nobody has reported when they happened: the routes and the refresh report the others. */
const FOUND_LATER: ReadonlySet<EndReason> = new Set(['idle', 'expired', 'revoked', 'unreadable']);

/** Publishes that a session has ended, if a request's cookie is the first sign of it. */
export function reportEnd(reason: EndReason, publish: RouteContext['publish']): void {
  if (FOUND_LATER.has(reason)) publish('end', 'done', reason);
}
