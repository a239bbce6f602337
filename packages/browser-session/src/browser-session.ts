import type { Revocations } from '@tokenward/core';
import type { BrowserSessionCredentials, RevocationHealth, SessionStoreHealth, TestableBrowserSession } from '@tokenward/core/store';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { SessionProxy } from './proxy/session-proxy.js';
import type { LinkedSession } from './session-link.js';

/** Who is logged in. It contains no token. */
export interface SessionUser {
  readonly subject: string;
  /** What the access token grants. */
  readonly scopes: readonly string[];
  /** When the access token expires, in seconds since the epoch. The session continues, because the token is refreshed. */
  readonly expiresAt: number;
}

/** Headers of a request: those of `fetch`, or those of Node. */
export type RequestHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The browser sessions of one app, independent of any framework. A guard takes it as its option `session`. */
export interface BrowserSession extends BrowserSessionCredentials, TestableBrowserSession, LinkedSession {
  /** The origin and the path of the options: adapters build a request's URL from the origin, and mount the routes at the path. */
  readonly origin: string;
  readonly path: string;
  /**
   * Answers the requests to the routes of the session: `login`, `callback`, `user`, `token`, `logout` and `backchannel-logout` under `path`. Other requests
   * get a 404. It reads only the path and the query of the request's URL.
   */
  handle(request: Request): Promise<Response>;
  /** Whether a URL, or the target of a request (`/session/user?x=1`), is for {@link BrowserSession.handle}. */
  isSessionRoute(url: string | URL): boolean;
  /**
   * Returns the user of a request, to render a page on the server; undefined if nobody is logged in. It needs no custom header, so use it only to
   * show something. Protect a request that changes something with a guard.
   *
   * If a page of another origin loads this page as a frame, an image or a prefetch, the cookie is ignored.
   *
   * The call counts as a use of the session, but cannot set a cookie: without a store, only this process remembers the use. If the page calls `current()` of the
   * client, the response updates the cookie.
   *
   * @throws SessionStoreError (the promise rejects) if the session cannot be read now
   */
  get(request: { readonly headers: RequestHeaders }): Promise<SessionUser | undefined>;
  /**
   * Returns a function that passes requests of the app's own pages to an API, with the session's access token. Its member `upgrade` opens WebSockets.
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example const orders = session.proxy({ to: 'https://orders.internal', methods: ['GET', 'POST'], paths: ['/orders'], mountPath: '/api' });
   */
  proxy(options: ProxyOptions): SessionProxy;
  /**
   * Ends sessions of a subject, or of a session at the issuer (`sid`), here and at every guard that shares the store of revocations. The next request with the
   * cookie of such a session revokes its refresh token at the issuer.
   */
  readonly revocations: Revocations;
  /**
   * Fetches the issuer's metadata and keys, and connects to the stores, before the first request.
   *
   * @throws an error (the promise rejects) if one of them cannot be reached; later requests try again
   */
  warm(): Promise<void>;
  /** Returns the state of the sessions, for a readiness probe and for people. It fetches nothing. */
  health(): BrowserSessionHealth;
  /**
   * Stops fetches and timers, and closes the connections of the proxies: WebSockets and event streams at once, calls under way after 5 seconds at most.
   * It waits as long for refreshes under way, for results that a store has not saved yet, and for refresh tokens that are being revoked. Stores that you passed in the options stay open.
   */
  close(): Promise<void>;
}

/** The state of browser sessions. It contains no name of a user and no secret. */
export interface BrowserSessionHealth {
  /** Whether sessions can be read: the stores are usable. An outage of the issuer ends no session, so it does not count. */
  readonly ready: boolean;
  /** undefined if sessions are in encrypted cookies. */
  readonly store: SessionStoreHealth | undefined;
  /** undefined without the option `refreshStore`. */
  readonly refreshStore: SessionStoreHealth | undefined;
  readonly revocations: RevocationHealth;
}
