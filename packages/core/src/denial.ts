import type { Challenge } from './challenge.js';
import { bearerChallenge } from './challenge.js';
import type { Deny, ProblemDetails, ResponseHeaders } from './seam.js';

/** Why a request was refused: a closed set, stable over releases, for operators' logs, metrics and alerts. Never sent to clients. */
export type Reason = keyof typeof REASONS;

type Refusal = 'unauthenticated' | 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication' | 'unavailable';

/** The one table from what was wrong to what the client is told. */
const REASONS = {
  missing_token: 'unauthenticated',
  unsupported_scheme: 'unauthenticated',

  malformed_credentials: 'invalid_request',
  multiple_credentials: 'invalid_request',

  token_too_large: 'invalid_token',
  malformed_token: 'invalid_token',
  encrypted_token: 'invalid_token',
  unsupported_critical_header: 'invalid_token',
  wrong_type: 'invalid_token',
  not_an_access_token: 'invalid_token',
  algorithm_not_allowed: 'invalid_token',
  unknown_key: 'invalid_token',
  bad_signature: 'invalid_token',
  issuer_mismatch: 'invalid_token',
  audience_mismatch: 'invalid_token',
  client_not_allowed: 'invalid_token',
  missing_claim: 'invalid_token',
  invalid_claim: 'invalid_token',
  expired: 'invalid_token',
  not_yet_valid: 'invalid_token',
  issued_in_the_future: 'invalid_token',
  too_old: 'invalid_token',
  lifetime_too_long: 'invalid_token',
  unproven_confirmation: 'invalid_token',
  revoked: 'invalid_token',

  insufficient_scope: 'insufficient_scope',
  insufficient_role: 'insufficient_scope',
  insufficient_claim: 'insufficient_scope',
  policy_refused: 'insufficient_scope',

  weak_authentication: 'insufficient_user_authentication',
  stale_authentication: 'insufficient_user_authentication',

  keys_unavailable: 'unavailable',
  issuer_unavailable: 'unavailable',
  revocations_unavailable: 'unavailable',
} as const satisfies Record<string, Refusal>;

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
}

export type Deniable = (reason: Reason, details?: DenialDetails) => Deny;

/** Makes the refusals of one guard: the words are fixed, `realm` and `resource_metadata` are the guard's own. */
export function createDenial({ realm, resourceMetadata }: Pick<Challenge, 'realm' | 'resourceMetadata'>): Deniable {
  return function deny(reason, details = {}) {
    const words = WORDS[REASONS[reason]];
    const scope = details.scope?.length ? details.scope.join(' ') : undefined;
    const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
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
    return Object.freeze({
      outcome: 'deny' as const,
      status: words.status,
      headers: Object.freeze(headers) as ResponseHeaders,
      body: Object.freeze(body),
      reason,
      ...(details.cause !== undefined && { cause: details.cause }),
    });
  };
}
