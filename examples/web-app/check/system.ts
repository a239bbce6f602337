import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createBrowser, type Browser, type Page, type Place } from '../../full-flow/agent/browser.ts';
import { startAuthorizationServer, type AuthorizationServer } from '../../full-flow/authorization-server/server.ts';
import { credentialsOf, ORDERS_API, ORDERS_WEB, type Person } from '../../full-flow/cast.ts';
import { closeServer, openPorts } from '../../full-flow/listen.ts';
import { startWebApp, type RunningWebApp, type WebAppSettings } from '../../full-flow/web-app.ts';

/** The web app beside an authorization server. */
export interface System {
  readonly mode: 'bff' | 'token-mediating';
  readonly redisUrl: string | undefined;
  readonly authorizationServer: AuthorizationServer;
  readonly settings: WebAppSettings;
  readonly webApp: RunningWebApp;
  /** The access and refresh tokens that the authorization server has issued. */
  readonly tokens: readonly string[];
  /** Ends the app, and starts it again. */
  restart(changes?: Partial<WebAppSettings>): Promise<void>;
  close(): Promise<void>;
}

export interface SystemOptions {
  readonly mode: 'bff' | 'token-mediating';
  readonly redisUrl: string | undefined;
}

/** What the page's script sends with each call. */
export const HEADER = { 'x-tokenward-csrf': '1' };
export const ALL_SCOPES = ['orders:read', 'orders:write', 'payout'];

export async function startSystem({ mode, redisUrl }: SystemOptions): Promise<System> {
  const [loginPort, appPort] = await openPorts(['the authorization server', 'the web app']);
  const clientSecret = randomBytes(32).toString('base64url');
  const authorizationServer = await startAuthorizationServer(loginPort, {
    redirectUri: `${appPort.origin}/callback`,
    backchannelLogoutUri: `${appPort.origin}/backchannel-logout`,
    webApp: { origin: appPort.origin, clientSecret, accessTokenLifetimeSeconds: 120 },
  });
  await closeServer(appPort.server);
  const tokens: string[] = [];
  watchTokens(loginPort.server, tokens);
  const settings: WebAppSettings = {
    issuer: authorizationServer.issuer,
    clientId: ORDERS_WEB.id,
    clientSecret,
    audience: ORDERS_API,
    origin: appPort.origin,
    sessionSecret: randomBytes(32).toString('base64url'),
    mode,
    redisUrl,
    environment: { TOKENWARD_HINTS: '0' },
  };
  let webApp = await startWebApp(settings);
  return {
    mode,
    redisUrl,
    authorizationServer,
    settings,
    tokens,
    get webApp() {
      return webApp;
    },
    async restart(changes) {
      await webApp.stop();
      webApp = await startWebApp({ ...settings, ...changes });
    },
    async close() {
      await webApp.stop();
      await authorizationServer.stop();
    },
  };
}

/** Reads what the token endpoint answers. */
function watchTokens(server: Server, tokens: string[]): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== '/token') return;
    const end = response.end.bind(response) as (...parameters: unknown[]) => ServerResponse;
    response.end = (...parameters: unknown[]) => {
      const { access_token: accessToken, refresh_token: refreshToken } = JSON.parse(String(parameters[0])) as Readonly<Record<string, string | undefined>>;
      for (const token of [accessToken, refreshToken]) if (token !== undefined) tokens.push(token);
      return end(...parameters);
    };
  });
}

/** Logs in to the app in a new browser, with consent to these scopes. */
export async function logIn({ settings }: System, person: Person, scopes: readonly string[] = ALL_SCOPES): Promise<Browser> {
  const browser = createBrowser(fetch);
  const loginPage = pageOf(await browser.open(`${settings.origin}/session/login`));
  const consentPage = pageOf(await browser.submit(loginPage, credentialsOf(person)));
  const landing = pageOf(await browser.submit(consentPage, { scope: scopes, decision: 'allow' }));
  if (landing.title !== 'You are logged in') throw new Error(`the login ended at the page “${landing.title}” with status ${landing.status}`);
  return browser;
}

export function pageOf(place: Place): Page {
  if (place.kind !== 'page') throw new Error('the browser is at no page');
  return place;
}
