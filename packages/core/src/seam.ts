import type { Claims } from './access-token/claims.js';
import type { TokenCacheHealth } from './access-token/token-cache.js';
import type { Auth } from './auth.js';
import type { Reason } from './denial.js';
import type { Explanation } from './explain/explanation.js';
import type { IssuerHealth } from './issuer/issuer.js';
import type { Policy } from './policy.js';
import type { BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
import type { MessageReceiver } from './security-event/receiver.js';
import type { SharedSignalsOptions } from './security-event/shared-signals.js';
import type { Revocations } from './revocation/revocations.js';
import type { RevocationHealth } from './revocation/store.js';

/** A request as the guard sees it: what an adapter reads from its framework, and nothing else. */
export interface ProtectedRequest {
  /** The HTTP method as it was sent, with case. */
  readonly method: string;
  /**
   * Path and query as the client sent them: the original target, not what a mounted router sees. Compare {@link params} or {@link path} rather than
   * this: one resource has many targets.
   */
  readonly target: string;
  /** The target's path in one way of writing (RFC 3986 s6.2.2): without query, nothing encoded that need not be, no doubled slash and none at the end. */
  readonly path?: string | undefined;
  /** The parameters of the route that the framework matched, decoded: `/tenants/:tenant` gives `tenant`. */
  readonly params?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** `scheme://host[:port]` as the client addressed it, by the framework's own proxy rules. */
  readonly origin?: string | undefined;
  /** The client's address by the framework's own proxy rules: asked for only where somebody listens for tokens that are used strangely. */
  readonly clientAddress?: string | undefined;
  /** Field names in lower case. An array holds separate field lines: a doubled `Authorization` must be seen. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The pattern of the route that the framework matched, where it tells: `/orders/:id`. Read only when a refusal is told. */
  readonly route?: string | undefined;
  /** The framework's own identifier of the request, where it has one. Read only when a refusal is told. */
  readonly requestId?: string | undefined;
  /** Whether a body comes with it, where the headers need not say so (HTTP/2). */
  readonly hasBody?: boolean | undefined;
  /**
   * What lives exactly as long as the request is being answered, or the socket that it was upgraded to: `auth.signal` goes with it, and what listens to
   * it. Without it a signal is kept until its token ends.
   */
  readonly heldBy?: object | undefined;
  /** The TLS connection's client certificate, asked for only by a bound token. */
  readonly clientCertificate?: (() => ClientCertificate | undefined) | undefined;
}

export interface ClientCertificate {
  /** The certificate in DER. */
  readonly raw: Uint8Array;
  /** Whether TLS found it to be signed by a trusted authority. */
  readonly authorized: boolean;
}

/** What a route asks for. */
export interface Access {
  /** `optional` admits requests without an access token (no credentials, or those of another scheme), never a wrong token. Default: `required`. */
  readonly credentials?: 'required' | 'optional' | undefined;
  readonly policy?: Policy | undefined;
  /**
   * What becomes of a CORS preflight, which carries no credentials, and which anybody can make by hand. `pass` is for a guard behind which something
   * answers preflights and nothing else is done for them. Default: `refuse`.
   */
  readonly preflight?: 'pass' | 'refuse' | undefined;
}

/** Header fields by their names in lower case; an array stands for separate field lines. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>;

/** The body of a refusal: problem details for HTTP APIs (RFC 9457). */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The error code of RFC 6750 s3.1, RFC 9470 s3; absent where there were no credentials at all. */
  readonly error?: string;
  readonly detail: string;
  /** The whole scope that would do, where scopes are what lacks. */
  readonly scope?: string;
}

export interface Allow<A extends Auth<object> | undefined> {
  readonly outcome: 'allow';
  readonly auth: A;
  /** To be put on the response, whatever it is. */
  readonly headers: ResponseHeaders;
}

export interface Deny {
  readonly outcome: 'deny';
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: ResponseHeaders;
  readonly body: ProblemDetails;
  /** For operators, never for the wire: what exactly was wrong. */
  readonly reason: Reason;
  /** For operators: the error behind it, or what was expected. */
  readonly cause?: unknown;
  /**
   * Says why, and what to do about it: for logs and developers, never for the client.
   *
   * @example logger.info(decision.explain()); // { reason, summary, expected, found, remedy, docs }
   */
  explain(): Explanation;
}

/** The answer to *may this token do this here?* A refusal is a value; only misuse throws. */
export type Decision<A extends Auth<object> | undefined = Auth | undefined> = Allow<A> | Deny;

/** One API's guard, independent of any framework. */
export interface ResourceGuard<C extends object = Claims> {
  /**
   * Decides on a request. It answers without a promise when nothing must be waited for.
   *
   * The credentials of one request object are looked at once, however often it is checked. `auth` is undefined where
   * optional credentials were absent, and for a CORS preflight that may pass.
   */
  check(request: ProtectedRequest, access?: Access): Decision<Auth<C> | undefined> | Promise<Decision<Auth<C> | undefined>>;
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
