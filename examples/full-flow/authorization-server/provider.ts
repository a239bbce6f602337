import { Provider, errors, type AccessToken, type AdapterFactory, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { SCOPES_OF_APIS, SECOND_FACTOR } from '../cast.ts';
import { accountExists, rolesOf } from './accounts.ts';
import { accessTokenLifetimeOf, registeredClients, type Registration } from './clients.ts';
import type { SigningKey } from './keys.ts';
import { errorPage, logoutPage } from './pages.ts';
import { createPolicy } from './second-factor.ts';

/** What stays the same when the keys change. */
export interface ProviderState {
  readonly issuer: string;
  readonly store: AdapterFactory;
  readonly cookieKeys: readonly string[];
  readonly registration: Registration;
}

const HOUR_SECONDS = 3600;

/** @param keys the first one signs; all are published, so that tokens signed with the others can still be verified */
export function createProvider({ issuer, store, cookieKeys, registration }: ProviderState, keys: readonly SigningKey[]): Provider {
  const appOrigin = new URL(registration.redirectUri).origin;
  const configuration: Configuration = {
    adapter: store,
    jwks: { keys: [...keys] },
    cookies: { keys: [...cookieKeys] },
    clients: registeredClients(registration),
    extraTokenClaims: (context, token) => ('accountId' in token && token.accountId !== undefined ? claimsOf(context, token) : undefined),
    acrValues: [SECOND_FACTOR],
    // the ID token has them too
    claims: { openid: ['sub', 'acr', 'auth_time'] },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    // RFC 9700 s2.1.1: for all clients; S256 is the only method that oidc-provider supports
    pkce: { required: () => true },
    // RFC 9700 s4.14.2: a public client's refresh token is used once, and replaced; here that of the confidential client too
    rotateRefreshToken: true,
    // Without offline_access it ends with the user's session here. oidc-provider grants offline_access only with prompt=consent (OpenID Connect Core s11)
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
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
            accessTokenTTL: accessTokenLifetimeOf(client.clientId, registration),
          };
        },
      },
    },
    // by default oidc-provider connects to no private address, but the demo runs on loopback
    fetch: (url, options) => fetch(url, withoutDispatcher(options)),
    interactions: { policy: createPolicy(), url: (_context, interaction) => `/interaction/${interaction.uid}` },
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

function withoutDispatcher(options: RequestInit | undefined): RequestInit {
  const copy: Record<string, unknown> = { ...options, dispatcher: undefined };
  return copy;
}

type UserToken = AccessToken & { readonly accountId: string };

/** Returns what access tokens say about the login, besides whose it is. */
function claimsOf({ oidc }: KoaContextWithOIDC, { accountId, sid }: UserToken): Readonly<Record<string, unknown>> {
  // after a refresh the login is still the one that the refresh token came from
  const login = oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken;
  const roles = rolesOf(accountId);
  return {
    // otherwise one logout would have to end all tokens of the user
    ...(sid !== undefined && { sid }),
    ...(login?.acr !== undefined && { acr: login.acr }),
    ...(login?.authTime !== undefined && { auth_time: login.authTime }),
    ...(roles.length > 0 && { roles }),
  };
}
