import { startAuthorizationServer, type AuthorizationServer } from './authorization-server/server.ts';
import type { Api } from './api.ts';
import { WEB_APP, ORDERS_API } from './cast.ts';
import { DemoError } from './demo-error.ts';
import { closeServer, openPorts } from './listen.ts';
import { startWebApp } from './web-app/server.ts';

/** Everyone who answers HTTP. */
export interface World {
  readonly authorizationServer: AuthorizationServer;
  /** A second one, with which our API has nothing to do. */
  readonly otherAuthorizationServer: AuthorizationServer;
  readonly api: Api;
  readonly webApp: { readonly url: string; readonly redirectUri: string };
  /** Who is at which origin, for the print. */
  readonly names: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** @throws DemoError when a port is in use, or the workspace is not built */
export async function startWorld(portBase?: number): Promise<World> {
  // loaded here and not above, so that a workspace that is not built yet gets a sentence and no stack
  const { startApi } = await import('./api.ts').catch(sayWhatToRun);
  const ports = await openPorts(['the authorization server', 'the API', 'the web app', 'the other authorization server'], portBase);
  const [loginPort, apiPort, appPort, otherLoginPort] = ports;
  const closePorts = async () => void (await Promise.all(ports.map(({ server }) => closeServer(server))));
  try {
    const redirectUri = `${appPort.origin}/callback`;
    const backchannelLogoutUri = `${apiPort.origin}/backchannel-logout`;
    const authorizationServer = await startAuthorizationServer(loginPort, redirectUri, backchannelLogoutUri);
    const otherAuthorizationServer = await startAuthorizationServer(otherLoginPort, redirectUri, backchannelLogoutUri);
    const api = startApi(apiPort, authorizationServer.issuer, appPort.origin);
    startWebApp(appPort, { issuer: authorizationServer.issuer, clientId: WEB_APP.id, redirectUri, api: api.url, resource: ORDERS_API });
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
        await api.stop();
        await closePorts();
      },
    };
  } catch (error) {
    await closePorts();
    throw error;
  }
}

function sayWhatToRun(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  throw new DemoError('The packages are not built yet. In the top folder run “npm run demo”, which installs and builds first, or “npm run build”.');
}
