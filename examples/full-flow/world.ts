import { randomBytes } from 'node:crypto';
import { startAuthorizationServer, type AuthorizationServer } from './authorization-server/server.ts';
import type { Api } from './api.ts';
import { ORDERS_API, ORDERS_WEB } from './cast.ts';
import { DemoError } from './demo-error.ts';
import { closeServer, openPorts, type OpenPort } from './listen.ts';
import type { Screen } from './screen.ts';
import type { ServedWebAppSettings } from './served-web-app.ts';
import { startWebApp, type RunningWebApp, type WebAppSettings } from './web-app.ts';

/** The servers of the demo. */
export interface World {
  readonly authorizationServer: AuthorizationServer;
  /** A second one, which the API does not trust. */
  readonly otherAuthorizationServer: AuthorizationServer;
  readonly api: Api;
  readonly webApp: { readonly url: string; readonly redirectUri: string };
  /** The server's name for each origin, for printing. */
  readonly names: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly portBase: number | undefined;
  /** How long the access tokens of the web app live. */
  readonly webAppTokenSeconds: number;
  /** If it is given, the web app runs in this process, has the operator's panel, and prints here why it refuses requests. */
  readonly operatorScreen?: Screen | undefined;
}

/** @throws DemoError if a port is in use, or the workspace is not built */
export async function startWorld({ portBase, webAppTokenSeconds, operatorScreen }: WorldOptions): Promise<World> {
  // imported here, so that an unbuilt workspace is reported in a sentence without a stack
  const { startApi } = await import('./api.ts').catch(sayWhatToRun);
  const ports = await openPorts(['the authorization server', 'the API', 'the web app', 'the other authorization server'], portBase);
  const [loginPort, apiPort, appPort, otherLoginPort] = ports;
  const closePorts = async () => void (await Promise.all(ports.map(({ server }) => closeServer(server))));
  try {
    const redirectUri = `${appPort.origin}/callback`;
    const backchannelLogoutUri = `${apiPort.origin}/backchannel-logout`;
    const clientSecret = randomBytes(32).toString('base64url');
    const registration = {
      redirectUri,
      backchannelLogoutUri,
      webApp: { origin: appPort.origin, clientSecret, accessTokenLifetimeSeconds: webAppTokenSeconds },
    };
    const authorizationServer = await startAuthorizationServer(loginPort, registration);
    const otherAuthorizationServer = await startAuthorizationServer(otherLoginPort, registration);
    const api = startApi(apiPort, authorizationServer.issuer, appPort.origin);
    const settings = { clientId: ORDERS_WEB.id, clientSecret, audience: ORDERS_API, sessionSecret: randomBytes(32).toString('base64url') };
    const webApp = operatorScreen
      ? await serveWithPanel(appPort, { ...settings, authorizationServer }, operatorScreen)
      : await startAsProcess(appPort, { ...settings, issuer: authorizationServer.issuer });
    return {
      authorizationServer,
      otherAuthorizationServer,
      api,
      webApp: { url: appPort.origin, redirectUri },
      names: {
        [loginPort.origin]: 'authorization server',
        [apiPort.origin]: 'API',
        [appPort.origin]: 'web app',
        [otherLoginPort.origin]: 'other authorization server',
      },
      async close() {
        await webApp.stop();
        await api.stop();
        await closePorts();
      },
    };
  } catch (error) {
    await closePorts();
    throw error;
  }
}

/** The web app opens its port itself, since it is a process of its own. */
async function startAsProcess({ server, origin }: OpenPort, settings: Omit<WebAppSettings, 'origin'>): Promise<RunningWebApp> {
  await closeServer(server);
  return startWebApp({ ...settings, origin, environment: { TOKENWARD_HINTS: '0' } });
}

async function serveWithPanel(port: OpenPort, settings: ServedWebAppSettings, screen: Screen): Promise<{ stop(): Promise<unknown> }> {
  // the panel and the terminal say it with each answer
  process.env['TOKENWARD_HINTS'] = '0';
  const { serveWebApp } = await import('./served-web-app.ts').catch(sayWhatToRun);
  return serveWebApp(port, settings, screen);
}

function sayWhatToRun(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  throw new DemoError('The packages are not built yet. Run “npm run demo” in the top folder, which installs and builds first, or “npm run build”.');
}
