import { RAW_CLAIMS, RAW_TOKEN, type Auth } from '../auth/auth.js';
import type { Claims } from '../auth/claims.js';
import { vouchedOnly, type Vouched } from '../issuer/verified-key.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { TokenSignals, WatchedToken } from '../revocation/token-signals.js';
import type { JsonObject } from '../lib/json.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { TrustCheck } from './trust-check.js';
import { acceptedUntil, examineTime, type TimeRules } from './token-time.js';

/** The values of an {@link Auth} that come from the token. */
type AuthValues<C extends object> = Omit<Auth<C>, 'signal'>;

const IS_WITHIN_LIFETIME = Symbol.for('tokenward.isWithinLifetime');
const TRUST_FAILURE = Symbol.for('tokenward.trustFailure');
const HAS_ENDED = Symbol.for('tokenward.hasEnded');

/** Returns whether the token is still within its lifetime. An Auth of another copy of this package uses its own method. If an app built the Auth, `expiresAt` decides. */
export function isWithinLifetime(auth: Auth<object>, nowSeconds: number): boolean {
  const method = (auth as { [IS_WITHIN_LIFETIME]?: (nowSeconds: number) => boolean })[IS_WITHIN_LIFETIME];
  if (typeof method === 'function') return method.call(auth, nowSeconds);
  return typeof auth.expiresAt === 'number' && nowSeconds < auth.expiresAt;
}

/** Returns why an admitted token is no longer trusted, because its key or its issuer is gone. An Auth that an app built has neither. */
export function trustFailure(auth: Auth<object>, request: ProtectedRequest | undefined): VerificationFailure | undefined {
  const method = (auth as { [TRUST_FAILURE]?: VerifiedAuth[typeof TRUST_FAILURE] })[TRUST_FAILURE];
  return typeof method === 'function' ? method.call(auth, request) : undefined;
}

/**
 * Returns whether an admitted token has ended: it expired, was revoked, or lost its key or its issuer, or its guard was closed. `auth.signal` may abort a little
 * later, since the checks of all tokens with a signal are bundled.
 */
export function hasEnded(auth: Auth<object>): boolean {
  const method = (auth as { [HAS_ENDED]?: () => boolean })[HAS_ENDED];
  return typeof method === 'function' ? method.call(auth) : auth.signal.aborted;
}

/** What a guard keeps about a token that it admitted. */
export interface Admission {
  readonly verified: Vouched;
  readonly trust: TrustCheck;
  readonly tokenSignals: TokenSignals;
}

/** The one implementation of {@link Auth}. The token is in a private field, which no inspection, copy or serialisation reaches. */
export class VerifiedAuth<C extends object = Claims> implements Auth<C> {
  readonly #token: string;
  readonly #claims: JsonObject;
  readonly #limits: TimeRules;
  #admission: Admission | undefined;
  #request: ProtectedRequest | undefined;
  #signal: AbortSignal | undefined;
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly claims: Readonly<C>;
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly tokenId: string | undefined;
  readonly sessionId: string | undefined;
  readonly actor: Readonly<Record<string, unknown>> | undefined;

  /** @param claims the token's own claims, before the app's schema */
  constructor(token: string, values: AuthValues<C>, claims: JsonObject, limits: TimeRules) {
    this.#token = token;
    this.#claims = claims;
    this.#limits = limits;
    this.issuer = values.issuer;
    this.subject = values.subject;
    this.clientId = values.clientId;
    this.audience = values.audience;
    this.scopes = values.scopes;
    this.roles = values.roles;
    this.claims = values.claims;
    this.expiresAt = values.expiresAt;
    this.issuedAt = values.issuedAt;
    this.tokenId = values.tokenId;
    this.sessionId = values.sessionId;
    this.actor = values.actor;
    Object.freeze(this);
  }

  [RAW_TOKEN](): string {
    return this.#token;
  }

  [RAW_CLAIMS](): JsonObject {
    return this.#claims;
  }

  [IS_WITHIN_LIFETIME](nowSeconds: number): boolean {
    return examineTime(this.expiresAt, undefined, this.issuedAt, this.#limits, nowSeconds) === undefined;
  }

  /** Records that a guard admitted the token. Until then, its signal is aborted. */
  admit(admission: Admission): this {
    this.#admission = admission;
    return this;
  }

  get admission(): Admission | undefined {
    return this.#admission;
  }

  /** Assigns the Auth to its only request. */
  assignTo(request: ProtectedRequest): this {
    this.#request = request;
    return this;
  }

  /** Returns a copy for another request, with a signal of its own. */
  copyFor(request: ProtectedRequest): VerifiedAuth<C> {
    const copy = new VerifiedAuth<C>(this.#token, this, this.#claims, this.#limits);
    copy.#admission = this.#admission;
    return copy.assignTo(request);
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#watch());
  }

  #watch(): AbortSignal {
    if (!this.#admission) return AbortSignal.abort();
    const signal = this.#admission.tokenSignals.create(this.#watched(this.#admission), this.#request?.heldBy);
    return this.#request ? signal : withSharedHandlers(signal);
  }

  #watched({ verified }: Admission): WatchedToken {
    const { issuer, tokenId, sessionId, subject, clientId, issuedAt } = this;
    return {
      names: { issuer, tokenId, sessionId, subject, clientId, issuedAt },
      acceptedUntil: acceptedUntil(this.expiresAt, this.issuedAt, this.#limits),
      verified: vouchedOnly(verified),
    };
  }

  [HAS_ENDED](): boolean {
    return !this.#admission || this.#admission.tokenSignals.hasEnded(this.#watched(this.#admission));
  }

  [TRUST_FAILURE](request: ProtectedRequest | undefined): VerificationFailure | undefined {
    return this.#admission?.trust.failureOf(this.#admission.verified, request);
  }
}

/** Several requests may share this signal, because they share an Auth until the first one asks for a signal. So setting `onabort` adds a handler and replaces none. */
function withSharedHandlers(signal: AbortSignal): AbortSignal {
  return Object.defineProperty(signal, 'onabort', {
    configurable: true,
    get: () => null,
    set(listener: unknown) {
      if (typeof listener === 'function') signal.addEventListener('abort', listener as (event: Event) => void);
    },
  });
}
