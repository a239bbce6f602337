import { randomBytes } from 'node:crypto';
import { errors, Provider, type AccessToken, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { leadsToLoopback, registrationsOf, type LocalClients } from './clients.js';
import { logoutPage, messagePage } from './pages.js';
import { privateJwkOf, type IssuerKey } from './signing-keys.js';
import { createStore } from './store.js';
import { claimsOfUser, type LocalUser } from './users.js';

export interface ProviderSettings {
  readonly issuer: string;
  /** The APIs that tokens may be for. A client that names none gets the first one. */
  readonly audiences: readonly string[];
  readonly users: readonly LocalUser[];
  readonly clients: LocalClients;
  readonly key: IssuerKey;
  /** Whether access tokens are opaque, for APIs that introspect them. */
  readonly isOpaque: boolean;
  /** Seconds. */
  readonly accessTokenLifetime: number;
}

/** oidc-provider, and how to add claims to one token. */
export interface LocalProvider {
  readonly provider: Provider;
  /** Claims of tokens that no user logged in for. */
  readonly mintedClaims: WeakMap<object, Readonly<Record<string, unknown>>>;
}

const HOUR = 3600;

export function createProvider(settings: ProviderSettings): LocalProvider {
  const { issuer, audiences, users, clients, key, isOpaque, accessTokenLifetime } = settings;
  const mintedClaims = new WeakMap<object, Readonly<Record<string, unknown>>>();
  const userOf = (subject: string | undefined): LocalUser | undefined => users.find((user) => user.subject === subject);

  const configuration: Configuration = {
    adapter: createStore(),
    jwks: { keys: [privateJwkOf(key)] },
    cookies: { keys: [randomBytes(32).toString('base64url')], names: COOKIES },
    clients: registrationsOf(clients),
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    // there is no userinfo endpoint, so the ID token has what the user's scopes allow
    claims: {
      openid: ['sub', 'auth_time', 'roles', ...new Set(users.flatMap(({ claims }) => Object.keys(claims)))],
      profile: ['name'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: false,
    // RFC 9700 s2.1.1; S256 is the only method that oidc-provider supports
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    // RFC 9700 s4.14.2
    rotateRefreshToken: true,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    extraTokenClaims: (_context, token) => mintedClaims.get(token) ?? claimsOfLogin(userOf((token as Partial<AccessToken>).accountId)),
    findAccount: (_context, subject) => {
      const user = userOf(subject);
      return (
        user && {
          accountId: subject,
          claims: () => ({ ...claimsOfUser(user), sub: subject, name: user.name, ...(user.email && { email: user.email, email_verified: true }) }),
        }
      );
    },
    // a user grants what a client requests: there is no page to agree on
    loadExistingGrant: (context) => grantFor(context, userOf(context.oidc.session?.accountId)),
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(context, form) {
          context.body = logoutPage(form);
        },
        postLogoutSuccessSource(context) {
          context.body = messagePage('You are logged out', 'Close this page, or go back to the app.');
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, requested) => requested?.[0] ?? audiences[0]!,
        useGrantedResource: () => true,
        getResourceServerInfo: (context, resource) => {
          if (!audiences.includes(resource)) {
            throw new errors.InvalidTarget(`the resource is not an audience of this issuer. Start it with --audience, or use ${audiences.join(' or ')}`);
          }
          return {
            scope: scopesOf(context),
            audience: resource,
            accessTokenFormat: isOpaque ? 'opaque' : 'jwt',
            accessTokenTTL: accessTokenLifetime,
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    // pages of apps on this machine may read the answers of the token endpoint
    clientBasedCORS: (_context, origin) => leadsToLoopback(origin),
    renderError(context, { error, error_description: description }) {
      context.type = 'html';
      context.body = messagePage('That did not work', description ?? error);
    },
    // nothing of a registered client leads to another server
    fetch: () => Promise.reject(new Error('the local issuer fetches nothing')),
    ttl: {
      AccessToken: accessTokenLifetime,
      ClientCredentials: accessTokenLifetime,
      AuthorizationCode: 60,
      Grant: 24 * HOUR,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 24 * HOUR,
      Session: 24 * HOUR,
    },
  };
  const provider = new Provider(issuer, configuration);
  allowLoopbackRedirects(provider);
  return { provider, mintedClaims };
}

/** Cookies do not tell ports apart: these names are unlikely to be those of an app. */
const COOKIES = { session: 'tokenward_issuer_session', interaction: 'tokenward_issuer_interaction', resume: 'tokenward_issuer_resume' };

/** Every scope that is requested exists. */
function scopesOf({ oidc }: KoaContextWithOIDC): string {
  const granted = (oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken) as { readonly scope?: string } | undefined;
  return [oidc.params?.['scope'], granted?.scope].filter((scope) => typeof scope === 'string').join(' ');
}

function claimsOfLogin(user: LocalUser | undefined): Record<string, unknown> | undefined {
  return user && claimsOfUser(user);
}

async function grantFor({ oidc }: KoaContextWithOIDC, user: LocalUser | undefined) {
  const clientId = oidc.client!.clientId;
  const existing = oidc.session!.grantIdFor(clientId);
  const found = existing === undefined ? undefined : await oidc.provider.Grant.find(existing);
  const grant = found ?? new oidc.provider.Grant({ accountId: oidc.session!.accountId!, clientId });
  for (const scope of oidc.requestParamScopes) {
    const isAllowed = user?.scopes?.includes(scope) ?? true;
    if (oidc.requestParamOIDCScopes.has(scope)) grant.addOIDCScope(scope);
    for (const resource of Object.keys(oidc.resourceServers ?? {})) {
      if (isAllowed) grant.addResourceScope(resource, scope);
      else grant.rejectResourceScope(resource, scope);
    }
  }
  await grant.save();
  return grant;
}

/** Only a browser on this machine follows a redirect to loopback, so any address there is accepted (RFC 8252 s7.3 for the ports). */
function allowLoopbackRedirects({ Client }: Provider): void {
  const prototype = Client.prototype as unknown as Record<string, unknown>;
  prototype['redirectUriAllowed'] = leadsToLoopback;
  prototype['postLogoutRedirectUriAllowed'] = leadsToLoopback;
}
