import type { Clock } from '@tokenward/core';
import type { SessionState } from '../session-state.js';
import { createLruMap } from '@tokenward/core/store';

/** A session after a refresh, and the `Set-Cookie` lines that send it to the browser. */
export interface RefreshResult {
  readonly state: SessionState;
  readonly setCookies: readonly string[];
}

/**
 * The results of refreshes that a browser may not have yet: its answer may have been lost, or be on its way. A request that still has the previous cookie
 * gets the same result again. Its old refresh token is used up, and must not be sent to the issuer a second time.
 */
export interface RecentRefreshes {
  /** Returns the newer state of a session; undefined if this process knows none. It also notes that a browser has shown this state. */
  newerThan(state: SessionState): RefreshResult | undefined;
  /** Returns the newest state of a session that this process knows by a refresh. */
  latest(id: string): SessionState | undefined;
  add(previous: SessionState, result: RefreshResult): void;
  /** The session has ended. */
  delete(id: string): void;
}

interface Recent {
  readonly result: RefreshResult;
  /** Cookies of this version and newer ones get the result. */
  readonly fromVersion: number;
  /** When a request first showed the result's cookie, by the monotonic clock. */
  shownAt: number | undefined;
}

const MAX_SESSIONS = 10_000;
/** Requests that were sent before the browser had the new cookie arrive within this time. Later, an old cookie is a copy, and its refresh token is reused. */
const GRACE_MS = 30_000;

export function createRecentRefreshes(clock: Pick<Clock, 'monotonic'>): RecentRefreshes {
  const recent = createLruMap<Recent>(MAX_SESSIONS);

  function lookUp(id: string): Recent | undefined {
    const found = recent.get(id);
    if (found?.shownAt === undefined || clock.monotonic() < found.shownAt + GRACE_MS) return found;
    recent.delete(id);
    return undefined;
  }

  return {
    newerThan({ id, version }) {
      const found = lookUp(id);
      if (found === undefined) return undefined;
      if (version === found.result.state.version) found.shownAt ??= clock.monotonic();
      return version >= found.fromVersion && version < found.result.state.version ? found.result : undefined;
    },
    latest: (id) => recent.get(id)?.result.state,
    add({ id, version }, result) {
      // the browser may not have the result before this one either
      const before = lookUp(id);
      const fromVersion = before && before.result.state.version === version ? before.fromVersion : version;
      recent.set(id, { result, fromVersion, shownAt: undefined });
    },
    delete: recent.delete,
  };
}
