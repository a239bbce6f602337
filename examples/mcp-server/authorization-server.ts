import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors, Provider } from 'oidc-provider';

export interface AuthorizationServer {
  readonly issuer: string;
  close(): void;
}

/** Starts oidc-provider on loopback, for one API. Clients register themselves, and the user agrees to everything. */
export async function startAuthorizationServer(resource: string, scope: string): Promise<AuthorizationServer> {
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: Provider = new Provider(issuer, {
    cookies: { keys: [crypto.randomUUID()] },
    scopes: ['openid', ...scope.split(' ')],
    // a client registers with the scopes of the first challenge, and could otherwise never request more
    extraClientMetadata: {
      properties: ['scope'],
      validator(_context, _name, _value, metadata) {
        delete metadata.scope;
      },
    },
    responseTypes: ['code'],
    clientAuthMethods: ['none'],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, asked) {
          if (asked !== resource) throw new errors.InvalidTarget();
          return { scope, audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300 };
        },
      },
    },
    async loadExistingGrant({ oidc: { client, session } }) {
      const grant = new provider.Grant({ clientId: client!.clientId, accountId: session!.accountId! });
      grant.addOIDCScope(`openid ${scope}`);
      grant.addResourceScope(resource, scope);
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
  });
  const handle = provider.callback();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!request.url!.startsWith('/interaction/')) return handle(request, response);
    if (request.method === 'GET') return void response.end('<form method="post"><input name="login"><button>Log in</button></form>');
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    return provider.interactionFinished(request, response, { login: { accountId: form.get('login')! }, consent: {} });
  }

  return {
    issuer,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
