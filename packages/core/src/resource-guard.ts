import type { TokenCacheHealth } from './access-token/token-cache.js';
import type { Auth } from './auth/auth.js';
import type { Claims } from './auth/claims.js';
import type { Decision } from './decision/decision.js';
import type { IssuerHealth } from './issuer/issuer.js';
import type { Policy } from './policy/policy.js';
import type { RouteRequirements } from './policy/route-requirements.js';
import type { ProtectedRequest } from './request/protected-request.js';
import type { Revocations } from './revocation/revocations.js';
import type { RevocationHealth } from './revocation/store.js';
import type { BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
import type { MessageReceiver } from './security-event/receiver.js';
import type { SharedSignalsOptions } from './security-event/shared-signals.js';

/** One API's guard, independent of any framework. */
export interface ResourceGuard<C extends object = Claims> {
  /**
   * Decides on a request. It answers without a promise when nothing must be waited for.
   *
   * The credentials of one request object are looked at once, however often it is checked. `auth` is undefined where
   * optional credentials were absent, and for a CORS preflight that may pass.
   */
  check(request: ProtectedRequest, access?: RouteRequirements): Decision<Auth<C> | undefined> | Promise<Decision<Auth<C> | undefined>>;
  /**
   * Decides whether an authenticated request satisfies one more policy. It refuses also what has ended meanwhile: a token that has expired or was
   * revoked, or whose key or issuer is gone. It awaits nothing: where no usable keys are at hand it answers 503 and has them fetched.
   *
   * @param request for predicates that read it, and for an `issuers` function; one that answers by a promise is asked by `check` alone
   */
  permit(auth: Auth<C>, policy: Policy, request?: ProtectedRequest): Decision<Auth<C>>;
  /**
   * Fetches the issuer's keys ahead of the first request.
   *
   * @throws KeysUnavailableError when they can't be had; the guard goes on trying at later requests.
   */
  warm(): Promise<void>;
  /** Refuses tokens before they end. */
  readonly revocations: Revocations;
  /**
   * Makes the receiver of an authorization server's logout tokens (OpenID Connect Back-Channel Logout 1.0).
   *
   * @throws ConfigurationError that lists all that is wrong with the options
   */
  backchannelLogout(options: BackchannelLogoutOptions): MessageReceiver;
  /**
   * Makes the receiver of security events by push (RFC 8935), of which those of OpenID CAEP that end tokens count.
   *
   * @throws ConfigurationError that lists all that is wrong with the options
   */
  sharedSignals(options: SharedSignalsOptions): MessageReceiver;
  /** What can be seen of the guard: for a readiness probe, and for people. It costs nothing and asks nobody. */
  health(): GuardHealth;
  /** Gives up what is under way. A closed guard refuses with 503 what it has no keys for. */
  close(): Promise<void>;
}

/** The state of a guard. It holds no secret, token or key. */
export interface GuardHealth {
  /**
   * Whether tokens can be checked: the revocations are known, and an issuer that the options name has usable keys. Stale ones count, and so do not those of issuers that only tokens
   * name (tenants, and those of a resolver): what strangers send, and one partner that is away, must not take an API out of service.
   */
  readonly ready: boolean;
  /** Those of a list, and those of templates and resolvers that were asked for by now. */
  readonly issuers: readonly IssuerHealth[];
  /** undefined: it is off. */
  readonly tokenCache: TokenCacheHealth | undefined;
  readonly revocations: RevocationHealth;
}
