import type { DecryptionHealth } from './access-token/decryptor.js';
import type { TokenCacheHealth } from './access-token/token-cache.js';
import type { IntrospectionHealth } from './access-token/introspector.js';
import type { Auth } from './auth/auth.js';
import type { AppClaims } from './auth/app-claims.js';
import type { Decision } from './decision/decision.js';
import type { MetadataEndpoint } from './decision/resource-metadata.js';
import type { IssuerHealth } from './issuer/issuer.js';
import type { OpenApiDescription } from './openapi/describe.js';
import type { OpenApiOptions } from './openapi/options.js';
import type { Policy, RoutePolicies } from './policy/policy.js';
import type { RouteRequirements } from './policy/route-requirements.js';
import type { ProtectedRequest } from './request/protected-request.js';
import type { Revocations } from './revocation/revocations.js';
import type { RevocationHealth } from './revocation/store.js';
import type { BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
import type { MessageReceiver } from './security-event/receiver.js';
import type { SharedSignalsOptions } from './security-event/shared-signals.js';

/** The guard of one API, independent of any framework. */
export interface ResourceGuard<C extends object = AppClaims> {
  /**
   * Decides on a request. It returns a promise only if it must wait: for keys, introspection, decryption, a shared store, a browser session or an `issuers`
   * function.
   *
   * The credentials of one request object are verified once, however often it is checked. `auth` is undefined if the route's credentials are optional and
   * the request has none, and for a CORS preflight that may pass.
   *
   * @throws ConfigurationError if the request or the requirements are invalid
   */
  check(request: ProtectedRequest, requirements?: RouteRequirements): Decision<Auth<C> | undefined> | Promise<Decision<Auth<C> | undefined>>;
  /**
   * Decides whether an authenticated request satisfies one more policy. It also refuses if the token has expired or was revoked meanwhile, or if its key or
   * issuer is gone. It never waits: if no usable keys are cached, it answers 503 and fetches them in the background.
   *
   * @param request for predicates that read it, and for an `issuers` function that returns no promise
   * @throws ConfigurationError if the Auth or the policy is invalid
   */
  permit<A extends Auth<object>>(auth: A, policy: Policy, request?: ProtectedRequest): Decision<A>;
  /**
   * Fetches the issuers' keys, finds their introspection endpoints, and reads a shared store of revocations, before the first request.
   *
   * If several of these fail, it throws the one that comes first in this list, with the messages of all.
   *
   * @throws KeysUnavailableError if keys cannot be fetched; the guard tries again in the background. No `TOKENWARD_OUTAGE` warning repeats it, so print it
   * @throws RevocationStoreError if the store cannot be read; the guard tries again in the background
   * @throws IssuerRequestError if an introspection endpoint cannot be found; later requests try again
   */
  warm(): Promise<void>;
  /** Revokes tokens before they expire. */
  readonly revocations: Revocations;
  /**
   * Creates a receiver of an authorization server's logout tokens (OpenID Connect Back-Channel Logout 1.0).
   *
   * @throws ConfigurationError that lists all invalid options
   */
  backchannelLogout(options: BackchannelLogoutOptions): MessageReceiver;
  /**
   * Creates a receiver of security events by push (RFC 8935). The events of OpenID CAEP revoke tokens.
   *
   * @throws ConfigurationError that lists all invalid options
   */
  sharedSignals(options: SharedSignalsOptions): MessageReceiver;
  /**
   * Serves the metadata of this API (RFC 9728), by which clients find the authorization server. From now on, challenges name its address in
   * `resource_metadata`, unless the option `resourceMetadataUrl` names another.
   *
   * @param policies the policies of the routes: the metadata offers their scopes. A function is called when the metadata is asked for
   * @throws ConfigurationError if one is not a policy
   *
   * @example const answer = guard.metadata([scope('orders:read')]).answer({ method, target: request.url, headers });
   */
  metadata(policies?: RoutePolicies): MetadataEndpoint;
  /**
   * Describes the access to this API for an OpenAPI document.
   *
   * @param policies the policies of the routes: the `oauth2` scheme lists their scopes. A function is called when the components are asked for
   * @throws ConfigurationError that lists all invalid options
   *
   * @example const { security, responses } = guard.openApi({ version: '3.1' }).operation([scope('orders:read')]);
   */
  openApi(options?: OpenApiOptions, policies?: RoutePolicies): OpenApiDescription;
  /** Returns the state of the guard, for a readiness probe and for people. It fetches nothing. */
  health(): GuardHealth;
  /** Stops fetches and timers, and aborts every `auth.signal`. A closed guard answers 503 to tokens whose keys are not cached. */
  close(): Promise<void>;
}

/** The state of a guard. It contains no secret, token or key. */
export interface GuardHealth {
  /**
   * Whether tokens can be checked: the store of revocations is current, and at least one issuer that the options name has usable keys, fresh or stale, or a
   * usable introspection endpoint.
   * Issuers that only tokens name (tenants, and those of an `issuers` function) do not count: a forged token, or the outage of one partner, must not take an
   * API out of service.
   */
  readonly ready: boolean;
  /** The issuers that the options list, and the tenants and resolved issuers used so far. */
  readonly issuers: readonly IssuerHealth[];
  /** The introspection endpoints, one for each issuer that has the option `introspection`. */
  readonly introspection: readonly IntrospectionHealth[];
  /** undefined without the option `decryptionKeys`. */
  readonly decryption: DecryptionHealth | undefined;
  /** undefined if the cache is off. */
  readonly tokenCache: TokenCacheHealth | undefined;
  readonly revocations: RevocationHealth;
}
