import { Provider, errors, type AdapterFactory, type Configuration } from 'oidc-provider';
import { CLIENTS, SCOPES_OF_APIS } from '../cast.ts';
import { accountExists } from './accounts.ts';
import type { SigningKey } from './keys.ts';
import { errorPage, logoutPage } from './pages.ts';

/** What stays the same when the keys change. */
export interface ProviderState {
  readonly issuer: string;
  readonly store: AdapterFactory;
  readonly cookieKeys: readonly string[];
  /** Where the browser returns to the client with a code. */
  readonly redirectUri: string;
  /** Where logout tokens are sent (OpenID Connect Back-Channel Logout). */
  readonly backchannelLogoutUri: string;
}

const HOUR_SECONDS = 3600;

/** @param keys the first one signs; all are published, so that tokens signed with the others can still be verified */
export function createProvider({ issuer, store, cookieKeys, redirectUri, backchannelLogoutUri }: ProviderState, keys: readonly SigningKey[]): Provider {
  const appOrigin = new URL(redirectUri).origin;
  const configuration: Configuration = {
    adapter: store,
    jwks: { keys: [...keys] },
    cookies: { keys: [...cookieKeys] },
    clients: CLIENTS.map(({ id, name }) => ({
      client_id: id,
      client_name: name,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [redirectUri],
      backchannel_logout_uri: backchannelLogoutUri,
      // the logout token names the session that has ended
      backchannel_logout_session_required: true,
    })),
    // access tokens name their session too: otherwise one logout would have to end all tokens of the user
    extraTokenClaims: (_context, token) => ('sid' in token && token.sid !== undefined ? { sid: token.sid } : undefined),
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    // RFC 9700 s2.1.1: for all clients; S256 is the only method that oidc-provider supports
    pkce: { required: () => true },
    // RFC 9700 s4.14.2: a public client's refresh token is used once, and replaced
    rotateRefreshToken: true,
    features: {
      // interactions.ts has our own pages
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(context, form) {
          context.body = logoutPage(form);
        },
        postLogoutSuccessSource(context) {
          context.body = errorPage('You are logged out', 'Close this page, or go back to the app.');
        },
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, resource, client) {
          const scopes = SCOPES_OF_APIS[resource];
          if (!scopes) throw new errors.InvalidTarget();
          return {
            scope: Object.keys(scopes).join(' '),
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: CLIENTS.find(({ id }) => id === client.clientId)!.accessTokenLifetimeSeconds,
          };
        },
      },
    },
    // by default oidc-provider connects to no private address, but the demo runs on loopback
    fetch: (url, { dispatcher: _dispatcher, ...options } = {}) => fetch(url, options),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => (accountExists(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    // Only pages of the app may read the token endpoint's answers. The preflight names no client, so it passes for other origins too.
    clientBasedCORS: (_context, origin) => origin === appOrigin,
    renderError(context, { error_description: description, error }) {
      context.type = 'html';
      context.body = errorPage('That did not work', description ?? error);
    },
    ttl: {
      AccessToken: (_context, token) => token.resourceServer?.accessTokenTTL ?? HOUR_SECONDS,
      AuthorizationCode: 60,
      Grant: 24 * HOUR_SECONDS,
      IdToken: HOUR_SECONDS,
      Interaction: HOUR_SECONDS,
      RefreshToken: 24 * HOUR_SECONDS,
      Session: 24 * HOUR_SECONDS,
    },
  };
  return new Provider(issuer, configuration);
}
