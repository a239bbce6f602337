import type { Challenge } from './challenge.js';
import { bearerChallenge } from './challenge.js';
import { explanationOf, type Explanation } from './explain/explanation.js';
import type { Deny, ProblemDetails, ResponseHeaders } from './seam.js';

/** Why a request was refused: a closed set, stable over releases, for operators' logs, metrics and alerts. Never sent to clients. */
export type Reason = keyof typeof REASONS;

type Refusal = 'unauthenticated' | 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication' | 'unavailable';

/** What follows from a reason, so that no code has to compare reasons. */
interface Behaviour {
  readonly answer: Refusal;
  /** It says nothing about the request, only about this moment: it is never remembered. */
  readonly transient: boolean;
  /** The challenge names the scope that the route needs: the caller presented no access token (RFC 6750 s3.1). */
  readonly namesScope: boolean;
  /** No access token was sent: where credentials are optional, the request is anonymous. */
  readonly isAnonymous: boolean;
}

const noToken: Behaviour = { answer: 'unauthenticated', transient: false, namesScope: true, isAnonymous: true };
const badRequest: Behaviour = { answer: 'invalid_request', transient: false, namesScope: false, isAnonymous: false };
const badToken: Behaviour = { answer: 'invalid_token', transient: false, namesScope: false, isAnonymous: false };
const tooLittle: Behaviour = { answer: 'insufficient_scope', transient: false, namesScope: false, isAnonymous: false };
const stepUp: Behaviour = { answer: 'insufficient_user_authentication', transient: false, namesScope: false, isAnonymous: false };
const outage: Behaviour = { answer: 'unavailable', transient: true, namesScope: false, isAnonymous: false };

/** The one table from what was wrong to what the client is told and what becomes of it. */
const REASONS = {
  missing_token: noToken,
  unsupported_scheme: noToken,

  malformed_credentials: badRequest,
  multiple_credentials: badRequest,

  token_too_large: badToken,
  malformed_token: badToken,
  encrypted_token: badToken,
  unsupported_critical_header: badToken,
  wrong_type: badToken,
  not_an_access_token: badToken,
  algorithm_not_allowed: badToken,
  unknown_key: badToken,
  bad_signature: badToken,
  issuer_mismatch: badToken,
  audience_mismatch: badToken,
  client_not_allowed: badToken,
  missing_claim: badToken,
  invalid_claim: badToken,
  expired: badToken,
  not_yet_valid: badToken,
  issued_in_the_future: badToken,
  too_old: badToken,
  lifetime_too_long: badToken,
  unproven_confirmation: badToken,
  revoked: badToken,

  insufficient_scope: tooLittle,
  insufficient_role: tooLittle,
  insufficient_claim: tooLittle,
  policy_refused: tooLittle,

  weak_authentication: stepUp,
  stale_authentication: stepUp,

  keys_unavailable: outage,
  issuer_unavailable: outage,
  revocations_unavailable: outage,
} as const satisfies Record<string, Behaviour>;

/** What follows from a reason. */
export function behaviourOf(reason: Reason): Behaviour {
  return REASONS[reason];
}

interface Words {
  readonly status: Deny['status'];
  readonly title: string;
  readonly error?: string;
  readonly detail: string;
}

/**
 * Fixed words (RFC 6750 s3.1, RFC 9470 s3): nothing from a token, a key server or an exception is told to the client, and one text
 * stands for every way in which a token may be bad.
 */
const WORDS: Readonly<Record<Refusal, Words>> = {
  unauthenticated: { status: 401, title: 'Unauthorized', detail: 'This resource needs an access token' },
  invalid_request: { status: 400, title: 'Bad Request', error: 'invalid_request', detail: 'The credentials are malformed or were sent more than once' },
  invalid_token: { status: 401, title: 'Unauthorized', error: 'invalid_token', detail: 'The access token is not valid here' },
  insufficient_scope: { status: 403, title: 'Forbidden', error: 'insufficient_scope', detail: 'The access token does not grant what this resource needs' },
  insufficient_user_authentication: {
    status: 401,
    title: 'Unauthorized',
    error: 'insufficient_user_authentication',
    detail: 'This resource needs a stronger or more recent login',
  },
  unavailable: { status: 503, title: 'Service Unavailable', error: 'temporarily_unavailable', detail: 'The access token cannot be checked at the moment' },
};

/** What a refusal tells beyond its reason. */
export interface DenialDetails {
  /** The whole scope that would do. */
  readonly scope?: readonly string[] | undefined;
  readonly acrValues?: readonly string[] | undefined;
  readonly maxAgeSeconds?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
  /** What would have passed, and what came instead: for `explain()` alone, which bounds and prints them. */
  readonly expected?: unknown;
  readonly found?: unknown;
}

export type Deniable = (reason: Reason, details?: DenialDetails) => Deny;

/** Makes the refusals of one guard: the words are fixed, `realm` and `resource_metadata` are the guard's own. */
export function createDenial({ realm, resourceMetadata }: Pick<Challenge, 'realm' | 'resourceMetadata'>): Deniable {
  return function deny(reason, details = {}) {
    const words = WORDS[REASONS[reason].answer];
    const scope = details.scope?.length ? details.scope.join(' ') : undefined;
    const headers: Record<string, string> = { 'cache-control': 'no-store' };
    if (words.status === 503) headers['retry-after'] = String(Math.max(1, Math.ceil(details.retryAfterSeconds ?? 1)));
    else {
      headers['www-authenticate'] = bearerChallenge({
        realm,
        resourceMetadata,
        error: words.error,
        // RFC 6750 s3.1: without credentials nothing is said about an error
        errorDescription: words.error && words.detail,
        scope,
        acrValues: details.acrValues?.join(' '),
        maxAge: details.maxAgeSeconds,
      });
    }
    const body: ProblemDetails = {
      type: 'about:blank',
      title: words.title,
      status: words.status,
      ...(words.error && { error: words.error }),
      detail: words.detail,
      ...(scope && { scope }),
    };
    return new Denial(words.status, Object.freeze(headers), Object.freeze(body), reason, details);
  };
}

/** A refusal. What it can explain stands in private fields: printed, cloned or serialised it shows what operators' logs may hold. */
class Denial implements Deny {
  readonly outcome = 'deny';
  readonly status: Deny['status'];
  readonly headers: ResponseHeaders;
  readonly body: ProblemDetails;
  readonly reason: Reason;
  declare readonly cause?: unknown;
  readonly #details: DenialDetails;

  constructor(status: Deny['status'], headers: ResponseHeaders, body: ProblemDetails, reason: Reason, details: DenialDetails) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.reason = reason;
    if (details.cause !== undefined) this.cause = details.cause;
    this.#details = details;
    Object.freeze(this);
  }

  explain(): Explanation {
    return explanationOf(this.reason, this.#details);
  }
}
