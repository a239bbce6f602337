import { createResourceGuard, type ProtectedRequest, type ResourceGuard } from '@tokenward/core';
import { publish as publishEvent } from '@tokenward/core/adapter';
import { memoryReplays, SESSION_CREDENTIALS, SessionStoreError, START_TEST_SESSION } from '@tokenward/core/store';
import type { BrowserSession, RequestHeaders } from './browser-session.js';
import type { BrowserSessionOptions } from './browser-session-options.js';
import type { SessionConfig } from './config.js';
import { LOGIN_COOKIE } from './cookies/login-cookies.js';
import { createSealer } from './cookies/seal.js';
import { isOfOtherSite, isPageVisit } from './csrf.js';
import { createLoginClient } from './oidc/create-login-client.js';
import { readOptions } from './options.js';
import { createSessionProxy } from './proxy/create-proxy.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import { createRefresher } from './refresh/create-refresher.js';
import { headerOf, withLowerCaseNames } from './request-headers.js';
import { createBackchannelLogoutRoute } from './routes/backchannel-logout.js';
import { createPendingLogouts } from './routes/pending-logouts.js';
import type { RouteContext } from './routes/route-context.js';
import { createRouter } from './routes/router.js';
import type { SessionRouteContext } from './routes/session-route.js';
import { userOf } from './routes/user.js';
import { createSessionCredentials } from './session-credentials.js';
import { SESSION_LINK } from './session-link.js';
import { createSessions } from './state/create-sessions.js';
import { createOpenConnections, observed, type OpenConnections } from './state/open-connections.js';
import { createTestSessionStart } from './test-session.js';
import { createWarn } from './warnings.js';

/**
 * Creates the browser sessions of an app: login with OpenID Connect, with the tokens out of reach of scripts. Nothing is fetched before the first request, or
 * {@link BrowserSession.warm}.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const session = createBrowserSession({ issuer, clientId, clientSecret, origin: 'https://app.example.com', secrets: [process.env.SESSION_SECRET] });
 * const guard = createGuard({ issuer, audience, session });
 */
export function createBrowserSession(options: BrowserSessionOptions): BrowserSession {
  const config = readOptions(options);
  const context = createContext(config);
  const { client, sessions, refresher, connections } = context;
  const closers: (() => Promise<void>)[] = [connections.close];
  const guard = createLogoutTokenGuard(config);
  const router = createRouter(context, createBackchannelLogoutRoute(context, guard.backchannelLogout, memoryReplays(config.clock)));
  const credentials = createSessionCredentials(context);
  const { origin, path, store, refreshStore, revocations, afterLogout } = config;

  const session: BrowserSession = Object.freeze({
    origin,
    path,
    handle: router.handle,
    isSessionRoute: router.isRoute,
    async get({ headers: given }: { readonly headers: RequestHeaders }) {
      const headers = withLowerCaseNames(given);
      // by an image, a frame or a prefetch, another site would learn from the app's answer whether somebody is logged in
      if (isOfOtherSite(headers) && !isPageVisit(headers)) return undefined;
      const found = await sessions.find(headerOf(headers, 'cookie'), false);
      if (found.kind === 'unavailable')
        throw new SessionStoreError(`the session of the request cannot be read now: ${found.cause}. health() of the browser session shows the last error`);
      if (found.kind === 'ended' && found.left) refresher.revokeLeft(found.left);
      return found.kind === 'session' ? userOf(refresher.newest(found.state).state) : undefined;
    },
    [SESSION_CREDENTIALS]: (request: ProtectedRequest) => credentials.of(request),
    [START_TEST_SESSION]: createTestSessionStart(config, sessions),
    [SESSION_LINK]: {
      async follow(cookieHeader: string | undefined, end: () => void) {
        try {
          const found = await sessions.find(cookieHeader, false);
          if (found.kind === 'session') return connections.follow(found.state, end);
        } catch {
          // treated as no session
        }
        // the connection had a token a moment ago
        end();
        return () => {};
      },
      onClose: (close: () => Promise<void>) => void closers.push(close),
      warn: context.warn,
    },
    proxy: (proxyOptions: ProxyOptions) => createSessionProxy(session, proxyOptions),
    revocations: guard.revocations,
    async warm() {
      // the guard fetches the issuer's metadata and keys, and reads the revocations
      await Promise.all([guard.warm(), client.logoutRequest(undefined, afterLogout), store?.warm(), refreshStore?.warm()]);
    },
    health() {
      const health = { store: store?.health(), refreshStore: refreshStore?.health(), revocations: revocations.health() };
      return { ready: health.revocations.usable && health.store?.usable !== false, ...health };
    },
    async close() {
      await Promise.all([guard.close(), refresher.close(), ...closers.map((close) => close())]);
      // nobody else has this store
      if (!config.sharesRevocations) await revocations.close();
    },
  });
  return session;
}

function createContext(config: SessionConfig): SessionRouteContext & { readonly connections: OpenConnections } {
  const client = createLoginClient(config);
  const connections = createOpenConnections(config, (id) => refresher.known(id));
  const sessions = observed(createSessions(config), connections.seen);
  const { issuer } = config;
  const publish: RouteContext['publish'] = (action, outcome, reason) => publishEvent('tokenward:session', { issuer, action, outcome, reason });
  const warn = createWarn((text) => process.emitWarning(text, { code: 'TOKENWARD_SESSION' }));
  const refresher = createRefresher({ config, client, sessions, publish, warn });
  return {
    config,
    client,
    sessions,
    loginSealer: createSealer(config.secrets, 'login', LOGIN_COOKIE),
    publish,
    warn,
    refresher,
    connections,
    pendingLogouts: createPendingLogouts(config),
  };
}

const MIN_RETENTION_SECONDS = 86_400;
/** A year. Longer sessions stay revoked, too: after a year, the store replaces the revocation by a cut-off. */
const MAX_RETENTION_SECONDS = 31_536_000;

/** Verifies logout tokens, and adds what they end to the revocations. It sees no access token. */
function createLogoutTokenGuard({ issuer, clientId, metadataUrl, unsafeHttpHosts, clockSkewSeconds, clock, fetch, ...config }: SessionConfig): ResourceGuard {
  return createResourceGuard({
    name: 'browser-session',
    issuer,
    audience: clientId,
    metadataUrl,
    unsafeHttpHosts: unsafeHttpHosts.size > 0 ? [...unsafeHttpHosts] : undefined,
    clockSkewSeconds,
    clock,
    fetch,
    // a `fetch` of the app opens connections of its own, for which `ca` does not count
    keyFetching: { timeoutSeconds: config.timeoutSeconds, ca: fetch === undefined ? config.tls?.ca : undefined },
    tokenCache: false,
    // a session that a logout token ended must stay ended for as long as its cookie could live
    revocations: {
      store: config.revocations,
      retentionSeconds: Math.min(Math.max(MIN_RETENTION_SECONDS, config.maxSeconds + clockSkewSeconds), MAX_RETENTION_SECONDS),
    },
  });
}
