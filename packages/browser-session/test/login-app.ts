import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserSessionOptions } from '../src/browser-session-options.js';
import type { SessionConfig } from '../src/config.js';
import { LOGIN_COOKIE } from '../src/cookies/login-cookies.js';
import { createSealer } from '../src/cookies/seal.js';
import { createLoginClient } from '../src/oidc/create-login-client.js';
import type { LoginClient } from '../src/oidc/login-client.js';
import { readOptions } from '../src/options.js';
import { callbackRoute } from '../src/routes/callback.js';
import { loginRoute } from '../src/routes/login.js';
import { createRefresher } from '../src/refresh/create-refresher.js';
import { createPendingLogouts } from '../src/routes/pending-logouts.js';
import type { RouteContext } from '../src/routes/route-context.js';
import type { SessionRouteContext } from '../src/routes/session-route.js';
import type { SessionState } from '../src/session-state.js';
import { createSessions } from '../src/state/create-sessions.js';
import { createWarn } from '../src/warnings.js';

/** An app with the routes `login` and `callback` on loopback. `/` shows who is logged in. */
export interface LoginApp {
  readonly origin: string;
  readonly config: SessionConfig;
  readonly client: LoginClient;
  /** `login done`, `end done replaced`. */
  readonly events: readonly string[];
  readonly warnings: readonly string[];
  /** Returns the session of a `Cookie` header. */
  sessionOf(cookie: string): Promise<SessionState | undefined>;
  close(): Promise<void>;
}

const SESSION_SECRET = 'Zk3v9Q1xY7r0Wb5tN2mC8uJ4hL6sD0fG1aPq';

/** Listens before it knows its options: the provider must know the app's origin, and the app the provider's. */
export async function listenForApp(): Promise<{ readonly origin: string; start(options: Partial<BrowserSessionOptions>): LoginApp }> {
  let answer: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  const server: Server = createServer((incoming, outgoing) => {
    const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const request = new Request(new URL(incoming.url!, origin), { method: incoming.method ?? 'GET', headers });
    void answer(request).then(async (response) => {
      const fields = [...response.headers].filter(([name]) => name !== 'set-cookie');
      outgoing.writeHead(response.status, { ...Object.fromEntries(fields), 'set-cookie': response.headers.getSetCookie() });
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    start(options) {
      const config = readOptions({ clientId: 'web-app', origin, secrets: [SESSION_SECRET], ...options } as BrowserSessionOptions);
      const events: string[] = [];
      const warnings: string[] = [];
      const sessions = createSessions(config);
      const parts: RouteContext = {
        config,
        client: createLoginClient(config),
        sessions,
        loginSealer: createSealer(config.secrets, 'login', LOGIN_COOKIE),
        publish: (...words) => void events.push(words.filter((word) => word !== undefined).join(' ')),
        warn: createWarn((text) => void warnings.push(text)),
      };
      const context: SessionRouteContext = { ...parts, refresher: createRefresher(parts), pendingLogouts: createPendingLogouts(config) };

      async function sessionOf(cookie: string): Promise<SessionState | undefined> {
        const found = await sessions.find(cookie);
        return found.kind === 'session' ? found.state : undefined;
      }

      answer = async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === `${config.path}/login`) return loginRoute(request, context);
        if (pathname === `${config.path}/callback`) return callbackRoute(request, context);
        return new Response((await sessionOf(request.headers.get('cookie') ?? ''))?.subject ?? 'nobody');
      };
      return {
        origin,
        config,
        client: context.client,
        events,
        warnings,
        sessionOf,
        async close() {
          server.closeAllConnections();
          server.close();
          await once(server, 'close');
        },
      };
    },
  };
}
