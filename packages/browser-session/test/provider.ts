import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider, type ClientMetadata, type Configuration } from 'oidc-provider';

export interface ProviderOptions {
  /** The app's origin. Its redirect address is `<origin>/session/callback`. */
  readonly appOrigin: string;
  /** More metadata of the client, over those of a confidential client with a secret. */
  readonly client?: Partial<ClientMetadata> | undefined;
  /** Whether authorization requests may, or must, be pushed (RFC 9126). Default: `off`. */
  readonly pushedRequests?: 'off' | 'on' | 'required' | undefined;
  /** How long access tokens live, in seconds. Default: 300. */
  readonly accessTokenSeconds?: number | undefined;
  /** The APIs that access tokens may be for (RFC 8707), and their scopes. Default: `https://api.example.com` with `orders:read orders:write`. */
  readonly resources?: Readonly<Record<string, string>> | undefined;
  /** The port. Default: any. A provider that is started again takes the same port, so that its issuer stays the same. */
  readonly port?: number | undefined;
  /** Serves https, and asks for client certificates. */
  readonly tls?: Pick<ServerOptions, 'cert' | 'key' | 'ca'> | undefined;
  /** The keys that sign ID tokens and access tokens. Default: a new one. */
  readonly keys?: readonly JWK[] | undefined;
  /** Shows a page that asks for consent. Default: consent is given by itself. */
  readonly asksConsent?: boolean | undefined;
  /** Returns how many seconds ago the user logged in, of whom the login page has just heard: the page may know it from another login. Default: 0. */
  readonly loginAgeSeconds?: (() => number) | undefined;
  /** More configuration of oidc-provider. */
  readonly configuration?: Configuration | undefined;
}

/** A running authorization server: oidc-provider, with one client. */
export interface RunningProvider {
  readonly issuer: string;
  readonly provider: Provider;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Requests that arrived: `POST /token`. */
  readonly requests: readonly string[];
  /** Runs for each request, before oidc-provider. It may answer, and then returns true. */
  intercept: ((...parameters: Parameters<RequestListener>) => boolean | Promise<boolean>) | undefined;
  close(): Promise<void>;
}

export const CLIENT_ID = 'web-app';
export const CLIENT_SECRET = 'a-client-secret-of-more-than-32-characters';
export const API = 'https://api.example.com';
const HOUR_SECONDS = 3600;

export async function signingKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: crypto.randomUUID() };
}

/**
 * Starts oidc-provider on loopback: code with PKCE, rotated refresh tokens, JWT access tokens per resource, RP-initiated and back-channel logout. The login page
 * is a form with the field `login`. `POST <page>/abort` refuses.
 */
export async function startProvider(options: ProviderOptions): Promise<RunningProvider> {
  const {
    appOrigin,
    pushedRequests = 'off',
    accessTokenSeconds = 300,
    resources = { [API]: 'orders:read orders:write' },
    port = 0,
    tls,
    asksConsent = false,
  } = options;
  const keys = options.keys ?? [await signingKey()];
  const requests: string[] = [];
  let handle: RequestListener = (_request, response) => response.writeHead(503).end();
  const server = createHttpServer(tls, (request, response) => {
    requests.push(`${request.method} ${request.url!.split('?')[0]}`);
    void Promise.resolve(running.intercept?.(request, response)).then((answered) => {
      if (answered !== true) handle(request, response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [...keys] as (JWK & { kty: string })[] },
    cookies: { keys: ['cookie keys of a test'] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${appOrigin}/session/callback`],
        post_logout_redirect_uris: [`${appOrigin}/`],
        backchannel_logout_uri: `${appOrigin}/session/backchannel-logout`,
        backchannel_logout_session_required: true,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
        ...options.client,
      },
    ],
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub', 'sid'] },
    acrValues: ['urn:example:strong'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256', 'HS256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none', ...(tls ? ['tls_client_auth' as const] : [])],
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: pushedRequests !== 'off', requirePushedAuthorizationRequests: pushedRequests === 'required' },
      ...(tls && {
        mTLS: {
          enabled: true,
          tlsClientAuth: true,
          getCertificate: (context) => (context.socket as TLSSocket).getPeerX509Certificate(),
          certificateAuthorized: (context) => (context.socket as TLSSocket).authorized,
          certificateSubjectMatches: (context, property, expected) =>
            property === 'tls_client_auth_subject_dn' && subjectOf(context.socket as TLSSocket) === expected,
        },
      }),
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, several) => (Array.isArray(several) ? several[0]! : (several ?? [])),
        getResourceServerInfo: (_context, resource) => {
          if (!Object.hasOwn(resources, resource)) throw new Error('unknown resource');
          return {
            scope: resources[resource]!,
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: accessTokenSeconds,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    async loadExistingGrant(context) {
      const { client, session, result } = context.oidc;
      const grantId = (result?.['consent'] as { grantId?: string } | undefined)?.grantId ?? session!.grantIdFor(client!.clientId);
      if (grantId !== undefined) return provider.Grant.find(grantId);
      return asksConsent ? undefined : provider.Grant.find(await consent(client!.clientId, session!.accountId!));
    },
    // by default oidc-provider connects to no private address
    fetch: (url, init) => fetch(url, { ...init, dispatcher: undefined } as RequestInit),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      Grant: 24 * HOUR_SECONDS,
      IdToken: HOUR_SECONDS,
      Interaction: HOUR_SECONDS,
      RefreshToken: 24 * HOUR_SECONDS,
      Session: 24 * HOUR_SECONDS,
    },
    ...options.configuration,
  });

  /** Grants all that the client may ask for, and returns the id of the grant. */
  async function consent(clientId: string, accountId: string): Promise<string> {
    const grant = new provider.Grant({ clientId, accountId });
    grant.addOIDCScope('openid offline_access');
    for (const [resource, scope] of Object.entries(resources)) grant.addResourceScope(resource, scope);
    return grant.save();
  }

  handle = serve(provider, options.loginAgeSeconds ?? (() => 0), asksConsent ? consent : undefined);

  const running: RunningProvider = {
    issuer,
    provider,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    requests,
    intercept: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return running;
}

function createHttpServer(tls: ProviderOptions['tls'], listener: RequestListener): Server {
  return tls ? createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false }, listener) : createServer(listener);
}

function subjectOf(socket: TLSSocket): string {
  const { subject } = socket.getPeerCertificate();
  return Object.entries(subject ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');
}

const LOGIN_PAGE = '<!doctype html><title>Log in</title><form method="post"><input name="login"><button>Log in</button></form>';

/**
 * Answers `/interaction/<uid>` itself, and leaves the rest to oidc-provider.
 *
 * @param loginAgeSeconds see {@link ProviderOptions}
 * @param consent what the consent page does if the user agrees; without it there is no such page
 */
function serve(provider: Provider, loginAgeSeconds: () => number, consent?: (clientId: string, accountId: string) => Promise<string>): RequestListener {
  const rest = provider.callback();
  async function interact(request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void> {
    try {
      const asksConsent = consent !== undefined && (await provider.interactionDetails(request, response)).prompt.name === 'consent';
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(asksConsent ? consentPage(pathname) : LOGIN_PAGE);
      } else if (pathname.endsWith('/abort')) {
        await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'The user said no' });
      } else if (asksConsent) {
        const { params, session } = await provider.interactionDetails(request, response);
        const grantId = await consent(String(params['client_id']), session!.accountId);
        await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
      } else {
        const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
        const details = await provider.interactionDetails(request, response);
        const acr = details.params['acr_values'] === undefined ? undefined : 'urn:example:strong';
        const login = { accountId: form.get('login') ?? 'alice', ts: Math.floor(Date.now() / 1000) - loginAgeSeconds(), ...(acr && { acr }) };
        await provider.interactionFinished(request, response, { login, consent: {} });
      }
    } catch {
      if (!response.headersSent) response.writeHead(400).end();
    }
  }
  return (request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    if (pathname.startsWith('/interaction/')) void interact(request, response, pathname);
    else void rest(request, response);
  };
}

function consentPage(pathname: string): string {
  return `<!doctype html><title>Agree</title><form method="post"><button>Allow</button><button formaction="${pathname}/abort">Refuse</button></form>`;
}
