import { createAccessToken } from './access-token.js';
import { bodyOf } from './body-of.js';
import { needOf, type Need } from './need.js';
import { createTabs, type EndReason } from './tabs.js';

/** Options of {@link createSession}. All are optional. */
export interface SessionOptions {
  /** Where the server has the session's routes. Default: `/session`. */
  readonly path?: string | undefined;
  /** The server's mode. With `token-mediating` the page gets the access token and keeps it in memory. Default: `bff`. */
  readonly mode?: 'bff' | 'token-mediating' | undefined;
  /** With `token-mediating`: origins of APIs that may get the access token, besides the page's own. */
  readonly apiOrigins?: readonly string[] | undefined;
  /** With `token-mediating`: how long before its expiry the access token is refreshed, in seconds. Default: 30. */
  readonly refreshAheadSeconds?: number | undefined;
}

/** The user who is logged in. */
export interface SessionUser {
  readonly subject: string;
  readonly scopes: readonly string[];
  /** When the access token expires, in seconds since the epoch. The session continues: the server refreshes the token. */
  readonly expiresAt: number;
}

/** What a login should do. */
export interface LoginOptions {
  /** The path of this app where the user continues. Default: the page that is open. */
  readonly returnTo?: string | undefined;
  /** The strength of the login that is needed (RFC 9470): `acr_values`. */
  readonly acrValues?: string | undefined;
  /** How old the login may be, in seconds (RFC 9470). */
  readonly maxAge?: number | undefined;
  /** The organisation to log in to. The server's option `loginParameters` must name it, like those of `parameters`. */
  readonly organization?: string | undefined;
  /** More parameters for the issuer: `{ ui_locales: 'de' }`. */
  readonly parameters?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The session of the user of this page. */
export interface Session {
  /** Returns who is logged in; null if nobody is. */
  current(): Promise<SessionUser | null>;
  /** Leaves the page to log in. The promise never settles. */
  login(options?: LoginOptions): Promise<never>;
  /** Ends the session in all tabs, and leaves the page for the issuer's logout if it has one. The promise never settles. @throws Error if the server does not answer */
  logout(): Promise<never>;
  /**
   * Fetches as `fetch` does, with the custom header, which shows that this page sends the request, and with the access token if the page has it. After a 401
   * for an expired token, it sends the request once more with a new one.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /**
   * Returns what the user needs before a refused call can succeed; undefined if no login helps.
   *
   * @example const need = await session.needOf(response); if (need?.kind === 'step-up') await session.login(need);
   */
  needOf(response: Response): Promise<Need | undefined>;
  /** Calls a listener when the session ends: in this tab or in another one, by logout or because it has expired. Returns a function that removes the listener. */
  onEnd(listener: (reason: EndReason) => void): () => void;
}

const HEADER = 'x-tokenward-csrf';
const TIMEOUT_MS = 30_000;

/**
 * Creates the page's side of a browser session. Create one for each page.
 *
 * @example
 * const session = createSession();
 * if (!(await session.current())) await session.login();
 * const orders = await (await session.fetch('/api/orders')).json();
 */
export function createSession({ path = '/session', mode = 'bff', apiOrigins = [], refreshAheadSeconds = 30 }: SessionOptions = {}): Session {
  const isMediating = mode === 'token-mediating';
  const trusted = new Set([location.origin, ...apiOrigins.map((origin) => new URL(origin).origin)]);
  const tabs = createTabs(path, forget);
  const token = createAccessToken(path, refreshAheadSeconds, () => ask('POST', 'token'));
  let isLoggedIn = false;

  function ask(method: string, route: string): Promise<Response> {
    // with a time limit, since all tabs wait for the one that asks
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return fetch(`${path}/${route}`, { method, headers: { [HEADER]: '1' }, credentials: 'same-origin', redirect: 'error', cache: 'no-store', signal });
  }

  async function current(): Promise<SessionUser | null> {
    const response = await ask('GET', 'user');
    const { user } = await bodyOf<{ user: SessionUser | null }>(response);
    if (user) isLoggedIn = true;
    else if (isLoggedIn) end('expired');
    return user;
  }

  function forget(): void {
    isLoggedIn = false;
    token.forget();
  }

  function end(reason: EndReason): void {
    forget();
    tabs.end(reason);
  }

  /** A page that the browser shows again, from its memory or after a while, may belong to a session that has ended meanwhile. */
  function look(): void {
    if (isLoggedIn && document.visibilityState === 'visible') current().catch(() => {});
  }

  document.addEventListener('visibilitychange', look);
  addEventListener('pageshow', look);

  async function call(input: RequestInfo | URL, init: RequestInit | undefined): Promise<Response> {
    const request = new Request(input, init);
    const { origin } = new URL(request.url);
    if (!trusted.has(origin)) return fetch(request);
    if (origin === location.origin) request.headers.set(HEADER, '1');
    const bearer = isMediating && !request.headers.has('authorization') ? await token.get() : undefined;
    if (bearer) request.headers.set('authorization', `Bearer ${bearer}`);
    const response = await fetch(request);
    if (response.status !== 401 || (await needOf(response))?.kind !== 'login') return response;
    // a stream can be sent only once
    const isRepeatable = !(init?.body instanceof ReadableStream) && !(input instanceof Request && (input.body || input.bodyUsed));
    const renewed = bearer && isRepeatable && (await token.renew(bearer));
    if (renewed) {
      const again = new Request(input, init);
      // the headers of the first request are not copied: a form has a new boundary
      if (origin === location.origin) again.headers.set(HEADER, '1');
      again.headers.set('authorization', `Bearer ${renewed}`);
      return fetch(again);
    }
    // tells the listeners if the session has ended
    if (isLoggedIn) await current().catch(() => {});
    return response;
  }

  return {
    current,
    login({ returnTo = location.pathname + location.search + location.hash, acrValues, maxAge, organization, parameters } = {}) {
      const query = new URLSearchParams();
      const all = { organization, ...parameters, returnTo, acr_values: acrValues, max_age: maxAge };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, String(value));
      location.assign(`${path}/login?${query.toString()}`);
      return never();
    },
    async logout() {
      const response = await ask('POST', 'logout');
      const { location: next } = await bodyOf<{ location: string | null }>(response);
      end('logout');
      location.assign(next ?? '/');
      return never();
    },
    fetch: call,
    needOf,
    onEnd: tabs.onEnd,
  };
}

function never(): Promise<never> {
  return new Promise(() => {});
}
