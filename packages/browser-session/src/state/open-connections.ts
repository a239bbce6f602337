import { createClosing } from '../closing.js';
import type { Refresher } from '../refresh/refresher.js';
import type { SessionState } from '../session-state.js';
import type { FoundSession, Sessions } from '../sessions.js';
import { createSoon } from '../soon.js';
import { createSessionEnd, type EndConfig } from './ending.js';
import { isUseWorthWriting } from './session-use.js';

/** Connections that outlive the request that opened them: WebSockets, and streams of events. They end with their session. */
export interface OpenConnections {
  /** Says that a request found this session, so that its use here counts. */
  seen(state: SessionState): void;
  /**
   * Follows a session for a connection. `end` is called once: when the session ends as far as this process knows, or at `close`.
   *
   * @returns a function that forgets the connection. Call it when the connection is closed
   */
  follow(state: SessionState, end: () => void): () => void;
  /** Ends all connections, and those that are still to come. Resolves when they are closed, after a few seconds at most. */
  close(): Promise<void>;
}

interface Connection {
  readonly end: () => void;
  hasEnded: boolean;
}

interface Followed {
  state: SessionState;
  readonly connections: Set<Connection>;
}

/** No event says that a session has reached its idle or its absolute end, so they are checked this often. */
const CHECK_MS = 5000;

/**
 * Creates the open connections of an app. While there is none, there is no timer and no listener either.
 *
 * @param newestOf returns the newest state of a session that this process knows, by its id, without a note that a browser has shown it
 */
export function createOpenConnections(config: EndConfig, newestOf: Refresher['known']): OpenConnections {
  const { clock, idleSeconds, revocations } = config;
  const ending = createSessionEnd(config);
  /** By the id of the session. */
  const followed = new Map<string, Followed>();
  let isClosed = false;
  let stopWatching: (() => void) | undefined;
  const closing = createClosing();

  function watch(): () => void {
    // revocations often come in bursts
    const soon = createSoon(checkAll);
    const timer = setInterval(checkAll, CHECK_MS).unref();
    const unlisten = revocations.onAdded(soon.ask);
    return () => {
      clearInterval(timer);
      soon.cancel();
      unlisten();
    };
  }

  function checkAll(): void {
    for (const one of followed.values()) check(one);
  }

  function check(one: Followed): void {
    one.state = later(one.state, newestOf(one.state.id) ?? one.state);
    const reason = ending.of(one.state, clock.now() / 1000);
    // an outage of the revocations says nothing about this session, and no request passes meanwhile
    if (reason !== undefined && reason !== 'unavailable') endAll(one);
  }

  function endAll({ connections }: Followed): void {
    for (const connection of connections) {
      if (connection.hasEnded) continue;
      connection.hasEnded = true;
      connection.end();
    }
  }

  function forget(id: string, connection: Connection): void {
    const one = followed.get(id);
    one?.connections.delete(connection);
    if (one?.connections.size === 0) followed.delete(id);
    if (followed.size > 0) return;
    stopWatching?.();
    stopWatching = undefined;
    closing.allEnded();
  }

  return {
    seen(state) {
      const one = followed.size === 0 ? undefined : followed.get(state.id);
      if (!one) return;
      // a store gets to know of this use in the background
      const nowSeconds = clock.now() / 1000;
      const usedAt = isUseWorthWriting(state.usedAt, nowSeconds, idleSeconds) ? Math.floor(nowSeconds) : state.usedAt;
      one.state = later(one.state, { ...state, usedAt });
    },
    follow(state, end) {
      const one = followed.get(state.id) ?? { state, connections: new Set() };
      const connection = { end, hasEnded: false };
      one.connections.add(connection);
      followed.set(state.id, one);
      stopWatching ??= watch();
      // it may have ended since the request was checked
      if (isClosed) endAll(one);
      else check(one);
      return () => forget(state.id, connection);
    },
    async close() {
      isClosed = true;
      for (const one of followed.values()) endAll(one);
      if (followed.size === 0) return;
      await closing.wait();
      stopWatching?.();
      stopWatching = undefined;
    },
  };
}

/** Returns sessions that report each one that a request found. */
export function observed(sessions: Sessions, seen: OpenConnections['seen']): Sessions {
  function report(found: FoundSession): FoundSession {
    if (found.kind === 'session') seen(found.state);
    return found;
  }
  return {
    ...sessions,
    find(cookieHeader, canSetCookies) {
      const found = sessions.find(cookieHeader, canSetCookies);
      return found instanceof Promise ? found.then(report) : report(found);
    },
  };
}

/** The tokens of a session, or the time of its use, may be newer in one of two states. */
function later(one: SessionState, other: SessionState): SessionState {
  if (other.version < one.version) return one;
  return { ...other, usedAt: Math.max(one.usedAt, other.usedAt) };
}
