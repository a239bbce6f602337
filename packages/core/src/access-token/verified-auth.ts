import { RAW_CLAIMS, RAW_TOKEN, type Auth } from '../auth/auth.js';
import type { Claims } from '../auth/claims.js';
import type { VerifiedKey } from '../issuer/verified-key.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { TokenLives } from '../revocation/token-lives.js';
import type { JsonObject } from '../lib/json.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Standing } from './standing.js';
import { acceptedUntil, examineTime, type TimeRules } from './token-time.js';

/** What an {@link Auth} says, apart from what goes on. */
type AuthValues<C extends object> = Omit<Auth<C>, 'signal'>;

const COUNTS = Symbol.for('tokenward.counts');
const LOST_STANDING = Symbol.for('tokenward.lostStanding');

/** Whether it is still an Auth's time. One that another copy of this package made says so itself; of one that nobody made its end counts. */
export function counts(auth: Auth, nowSeconds: number): boolean {
  const ask = (auth as { [COUNTS]?: (nowSeconds: number) => boolean })[COUNTS];
  return typeof ask === 'function' ? ask.call(auth, nowSeconds) : nowSeconds < auth.expiresAt;
}

/** For a guard's `permit`: what an admitted token is refused for since its key, or its issuer, is gone. One that no guard made has neither. */
export function lostStanding(auth: Auth<object>, request: ProtectedRequest | undefined): VerificationFailure | undefined {
  const ask = (auth as { [LOST_STANDING]?: VerifiedAuth[typeof LOST_STANDING] })[LOST_STANDING];
  return typeof ask === 'function' ? ask.call(auth, request) : undefined;
}

/** What a guard knows of a token that it admitted. */
export interface Admission {
  readonly verified: VerifiedKey;
  readonly standing: Standing;
  readonly lives: TokenLives;
}

/** The one implementation of {@link Auth}. The token is a private field: no inspection, copy or serialisation reaches it. */
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

  /**
   * @param claims as they stand in the token
   */
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

  /** Whether it is still its time. */
  [COUNTS](nowSeconds: number): boolean {
    return examineTime(this.expiresAt, undefined, this.issuedAt, this.#limits, nowSeconds) === undefined;
  }

  /** Says who watches over it; nobody does before a guard has admitted it. */
  admit(admission: Admission): this {
    this.#admission = admission;
    return this;
  }

  get admission(): Admission | undefined {
    return this.#admission;
  }

  /** Says whose it is, where it is one request's alone. */
  bind(request: ProtectedRequest): this {
    this.#request = request;
    return this;
  }

  /** The same for another request, with a signal of its own. */
  of(request: ProtectedRequest): VerifiedAuth<C> {
    const one = new VerifiedAuth<C>(this.#token, this, this.#claims, this.#limits);
    one.#admission = this.#admission;
    return one.bind(request);
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#watch());
  }

  #watch(): AbortSignal {
    if (!this.#admission) return AbortSignal.abort();
    const { issuer, tokenId, sessionId, subject, clientId, issuedAt } = this;
    const { lives } = this.#admission;
    const { issuer: verifiedBy, key, algorithm, keyId } = this.#admission.verified;
    const watched = {
      names: { issuer, tokenId, sessionId, subject, clientId, issuedAt },
      acceptedUntil: acceptedUntil(this.expiresAt, this.issuedAt, this.#limits),
      verified: { issuer: verifiedBy, key, algorithm, keyId },
    };
    const signal = lives.watch(watched, this.#request?.heldBy);
    return this.#request ? signal : shareable(signal);
  }

  [LOST_STANDING](request: ProtectedRequest | undefined): VerificationFailure | undefined {
    return this.#admission?.standing.refusalOf(this.#admission.verified, request);
  }
}

/** A signal that several requests may have, since they came before anybody had asked for one: the handler that one sets must not undo another's. */
function shareable(signal: AbortSignal): AbortSignal {
  return Object.defineProperty(signal, 'onabort', {
    configurable: true,
    get: () => null,
    set(listener: unknown) {
      if (typeof listener === 'function') signal.addEventListener('abort', listener as (event: Event) => void);
    },
  });
}
