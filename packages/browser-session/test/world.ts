import { createBrowserSession, type BrowserSession, type BrowserSessionOptions } from '@tokenward/browser-session';
import { EVENT_NAMES, observe } from '@tokenward/core';
import { createTestClock, type TestClock } from '@tokenward/testing';
import { decodeJwt } from 'jose';
import { onTestFinished } from 'vitest';
import { startAppServer, type ApiAnswer, type AppServer } from './app-server.ts';
import { createBrowser, type Browser } from './browser.ts';
import { API, startProvider, type ProviderOptions, type RunningProvider } from './provider.ts';

export const CSRF = { 'x-tokenward-csrf': '1' };

/** A provider, an app, and a browser in which a user is logged in. */
export interface World {
  readonly app: AppServer;
  readonly provider: RunningProvider;
  readonly clock: TestClock;
  readonly browser: Browser;
  /** Each event that was published: its name and its payload. */
  readonly events: readonly (readonly [string, Readonly<Record<string, unknown>>])[];
  /** Creates the session of another process, or of this one after a restart. */
  createSession(options?: Partial<BrowserSessionOptions>): BrowserSession;
  /** Starts another process of the app. Browsers reach it at `base`, under the app's one origin. */
  startAnother(options?: Partial<BrowserSessionOptions>): Promise<AppServer>;
  logIn(login?: string): Promise<void>;
  /** Has the provider send its logout token for the newest login. It resolves when the app has answered with 200. */
  logOutAtIssuer(): Promise<void>;
  /** Sends a request as the app's own page does, and keeps the cookies of the answer. */
  page(method: string, path: string, base?: string): Promise<Response>;
  /** Calls `/api` as the app's own page does. */
  callApi(base?: string): Promise<ApiAnswer>;
  /** Returns the session's events as `action outcome reason`. */
  sessionEvents(): readonly string[];
  /** The number of refreshes that the provider carried out. */
  refreshes(): number;
  /** All tokens that the provider issued, oldest first. */
  readonly issued: readonly IssuedToken[];
}

export interface IssuedToken {
  readonly kind: 'access_token' | 'refresh_token' | 'id_token';
  readonly token: string;
}

export interface WorldOptions {
  readonly session?: Partial<BrowserSessionOptions> | undefined;
  readonly provider?: Partial<ProviderOptions> | undefined;
  readonly isLoggedIn?: boolean | undefined;
  /** Takes what closes the world. Default: it is closed after the test. */
  readonly atEnd?: ((close: () => Promise<void> | void) => void) | undefined;
}

export const SCOPE = 'openid offline_access orders:read';
export const SECRET = 'a secret of a test that has more than 32 characters';

export async function startWorld({
  session = {},
  provider: providerOptions = {},
  isLoggedIn = true,
  atEnd = onTestFinished,
}: WorldOptions = {}): Promise<World> {
  const app = await startAppServer();
  atEnd(() => app.close());
  const provider = await startProvider({ appOrigin: app.origin, ...providerOptions });
  atEnd(() => provider.close());
  const clock = createTestClock();
  const browser = createBrowser();
  const events: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  for (const name of EVENT_NAMES) atEnd(observe(name, (payload: object) => void events.push([name, { ...payload }])));
  let refreshes = 0;
  const issued: IssuedToken[] = [];
  watchTokens(provider, issued, () => refreshes++);

  function createSession(options: Partial<BrowserSessionOptions> = {}): BrowserSession {
    const { issuer, clientId, clientSecret } = provider;
    const created = createBrowserSession({
      issuer,
      clientId,
      clientSecret,
      origin: app.origin,
      secrets: [SECRET],
      scope: SCOPE,
      resource: API,
      clock,
      ...session,
      ...options,
    });
    atEnd(() => created.close());
    return created;
  }

  const world: World = {
    app,
    provider,
    clock,
    browser,
    events,
    createSession,
    async startAnother(options) {
      const another = await startAppServer();
      another.session = createSession(options);
      atEnd(() => another.close());
      return another;
    },
    async logIn(login) {
      const started = await browser.visit(`${app.origin}/session/login`);
      const callback = await browser.logInAt(started.headers.get('location')!, app.origin, login);
      if (callback.pathname !== '/session/callback') throw new Error(`the login did not come back, but stands at ${callback.pathname}`);
      const response = await browser.visit(callback);
      if (response.status !== 200) throw new Error(`the login failed: ${response.status} ${await response.text()}`);
    },
    async logOutAtIssuer() {
      const { sub, sid } = decodeJwt<{ readonly sid: string }>(issued.findLast(({ kind }) => kind === 'id_token')!.token);
      const client = (await provider.provider.Client.find(provider.clientId)) as unknown as { backchannelLogout(sub: string, sid: string): Promise<void> };
      await client.backchannelLogout(sub!, sid);
    },
    page(method, path, base = app.origin) {
      return visitFrom(browser, app.origin, new URL(path, base), { method, headers: CSRF });
    },
    async callApi(base) {
      return (await (await world.page('GET', '/api/me', base)).json()) as ApiAnswer;
    },
    sessionEvents: () =>
      events.filter(([name]) => name === 'tokenward:session').map(([, { action, outcome, reason }]) => [action, outcome, reason].filter(Boolean).join(' ')),
    refreshes: () => refreshes,
    issued,
  };
  app.session = createSession();
  if (isLoggedIn) await world.logIn();
  return world;
}

/** Returns a copy of the browser's cookies for the app. */
export function cookiesOf({ browser, app }: World): Map<string, string> {
  return new Map(browser.cookies(app.origin));
}

/** Gives the browser these cookies for the app instead of its own. */
export function showCookies({ browser, app }: World, cookies: ReadonlyMap<string, string>): void {
  const jar = browser.cookies(app.origin);
  jar.clear();
  for (const [name, value] of cookies) jar.set(name, value);
}

/** Visits an address with the cookies of the app, though another process of it answers. */
async function visitFrom(
  browser: Browser,
  origin: string,
  url: URL,
  init: { readonly method: string; readonly headers: Record<string, string> },
): Promise<Response> {
  if (url.origin === origin) return browser.visit(url, init);
  const jar = browser.cookies(origin);
  const others = browser.cookies(url.origin);
  others.clear();
  for (const [name, value] of jar) others.set(name, value);
  const response = await browser.visit(url, init);
  jar.clear();
  for (const [name, value] of others) jar.set(name, value);
  return response;
}

/** Keeps the tokens that a provider issues, oldest first. */
export function watchTokens({ provider }: RunningProvider, issued: IssuedToken[], refreshed: () => void): void {
  provider.on('grant.success', ({ body, oidc }) => {
    const tokens = body as Readonly<Record<string, string | undefined>>;
    for (const kind of ['access_token', 'refresh_token', 'id_token'] as const) if (tokens[kind] !== undefined) issued.push({ kind, token: tokens[kind] });
    if (oidc.params?.['grant_type'] === 'refresh_token') refreshed();
  });
}
