import type { RouteContext } from './routes/route-context.js';

/** The key by which the proxies of this package reach the sessions that they belong to. */
export const SESSION_LINK: unique symbol = Symbol('tokenward.sessionLink');

/** What a proxy needs of its sessions, besides access tokens. */
export interface SessionLink {
  /**
   * Follows the session of a request for a connection that outlives the request. `end` is called once: when the session ends as far as this process knows, or
   * at `close` of the sessions. It never rejects.
   *
   * @returns a function that forgets the connection. Call it when the connection is closed
   */
  follow(cookieHeader: string | undefined, end: () => void): Promise<() => void>;
  /** Adds what `close` of the sessions runs and waits for. */
  onClose(close: () => Promise<void>): void;
  readonly warn: RouteContext['warn'];
}

/** Sessions that proxies can belong to. */
export interface LinkedSession {
  readonly [SESSION_LINK]: SessionLink;
}
