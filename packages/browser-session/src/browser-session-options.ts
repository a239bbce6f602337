import type { Clock, Jwk } from '@tokenward/core';
import type { RevocationStore, SessionStore } from '@tokenward/core/store';

/** How the app authenticates at the token endpoint. `none` is for a public client. RFC 10017 does not allow that for a backend, so a warning is printed. */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'tls_client_auth' | 'none';

/** The accepted values of a login parameter: those in a list, those that a regular expression matches as a whole, or those for which a function returns true. */
export type LoginParameterRule = readonly string[] | RegExp | ((value: string) => boolean);

/** The options of a browser session. `issuer`, `clientId`, `origin` and `secrets` are required. */
export interface BrowserSessionOptions {
  /** The authorization server's issuer identifier. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** Default: `client_secret_basic` with a `clientSecret`, `private_key_jwt` with a `privateKey`, `tls_client_auth` with `tls`. */
  readonly clientAuthentication?: ClientAuthentication | undefined;
  /** The private key of `private_key_jwt`: PEM (PKCS #8) or a JWK, with its `kid`. */
  readonly privateKey?: { readonly key: string | Jwk; readonly kid?: string | undefined; readonly algorithm?: string | undefined } | undefined;
  /**
   * The client certificate of `tls_client_auth` (RFC 8705 s2), in PEM. `ca` has the authorities for all servers of the issuer, also of metadata and keys, instead of
   * the authorities that Node trusts. It may contain several certificates, one after the other.
   */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string | undefined } | undefined;
  /** This app's own public origin: `https://app.example.com`. Never read from a request. http only on loopback. */
  readonly origin: string;
  /** The path below which the routes are. Default: `/session`. */
  readonly path?: string | undefined;
  /** The scopes to request. `openid` must be one of them. Default: `openid offline_access`. */
  readonly scope?: string | undefined;
  /** The API that the access token is for (RFC 8707). */
  readonly resource?: string | readonly string[] | undefined;
  /** The same for Auth0 and others, which take the parameter `audience`. */
  readonly audience?: string | undefined;
  /** More parameters of the authorization request. Those that this package sets itself are refused. */
  readonly authorizationParameters?: Readonly<Record<string, string>> | undefined;
  /**
   * More parameters of the authorization request, which a page may choose at the login: `GET /session/login?organization=org_1`. Each name has the values that
   * are accepted: a list, a regular expression that matches the whole value, or a function that returns true. Anybody can link to a login, so the value proves
   * nothing: check the access token instead.
   *
   * @example loginParameters: { organization: ['org_1', 'org_2'], ui_locales: /[a-z]{2}/ }
   */
  readonly loginParameters?: Readonly<Record<string, LoginParameterRule>> | undefined;
  /**
   * The secrets for the cookies, each at least 32 random characters. The first encrypts, all decrypt. The type allows undefined, because an environment
   * variable may be missing; `createBrowserSession` then throws.
   */
  readonly secrets: readonly (string | undefined)[];
  /** Keeps sessions on the server. Default: none, the session is in an encrypted cookie. */
  readonly store?: SessionStore | undefined;
  /** Shares refreshes across a fleet if sessions are in encrypted cookies. A `store` does so itself. */
  readonly refreshStore?: SessionStore | undefined;
  /**
   * The store of ended sessions. Pass the store of the guard, so that a logout ends both sessions and tokens. Default: in the memory of this
   * process.
   */
  readonly revocations?: RevocationStore | undefined;
  /** `bff`: the page never sees a token. `token-mediating`: it gets the access token from `POST /session/token`. Default: `bff`. */
  readonly mode?: 'bff' | 'token-mediating' | undefined;
  /** How long a session lives without use, in seconds. Default: 3600. */
  readonly idleSeconds?: number | undefined;
  /** How long a session lives at most, in seconds. Default: 43200 (12 hours). */
  readonly maxSeconds?: number | undefined;
  /** How long before its expiry an access token is refreshed, in seconds. Default: 30. */
  readonly refreshAheadSeconds?: number | undefined;
  /** The lifetime of an access token whose response has no `expires_in`, in seconds. Default: none, such a response is refused. */
  readonly accessTokenSeconds?: number | undefined;
  /** How long a login may take, in seconds. Default: 600. */
  readonly loginSeconds?: number | undefined;
  /**
   * The name of the session cookie, after `__Host-`. Default: `session`. With `Http-session`, browsers that know the prefix `__Host-Http-` also check that no
   * script has set it.
   */
  readonly cookieName?: string | undefined;
  /** `SameSite` of the session cookie. Default: `strict`. */
  readonly sameSite?: 'strict' | 'lax' | undefined;
  /** Where a browser goes after logout at the issuer: a path of this app. Default: `/`. */
  readonly afterLogout?: string | undefined;
  /** The address of the issuer's metadata, if it is not under the issuer's own name. The document's `issuer` must still equal `issuer`. */
  readonly metadataUrl?: string | undefined;
  /** Hosts for which plain http is accepted. Anybody on the network path to them can read tokens and the client's secret. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** How far the issuer's clock may be off, in seconds. Default: 30. */
  readonly clockSkewSeconds?: number | undefined;
  /** The limit for one call to the issuer. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
  /** Fetches from the issuer instead of this package's own client. Time-out, size limit and the refusal of redirects still apply. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: Clock | undefined;
}
