import { errors } from 'jose';
import * as oidc from 'openid-client';
import { IssuerCallError } from './http.js';
import type { IssuerFailure } from './login-client.js';
import { retryAfterOf } from './retry-after.js';

/** An answer of the issuer failed a check of ours. The message is fixed words. */
export class InvalidAnswerError extends Error {
  override readonly name = 'InvalidAnswerError';
}

/** Errors of RFC 6749 and RFC 9126 that say "not now" rather than "no". */
const TRANSIENT_ERRORS: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);
const WRONG_ALGORITHM =
  'the ID token has an algorithm (alg) that is not allowed. A shared secret (HS256) is not supported: let the issuer sign with RS256 or ES256';
const UNKNOWN_ERROR = 'unknown_error';
/** RFC 6749 s4.1.2.1, OpenID Connect Core s3.1.2.6, RFC 8707 s2. Everybody can write the query of a callback, so other codes are not repeated. */
const AUTHORIZATION_ERRORS: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'invalid_target',
  'login_required',
  'registration_not_supported',
  'request_not_supported',
  'request_uri_not_supported',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unmet_authentication_requirements',
  'unsupported_response_type',
]);
/** The claims that a message may name. */
const CLAIMS: ReadonlySet<string> = new Set(['aud', 'auth_time', 'azp', 'exp', 'iat', 'iss', 'nbf', 'nonce', 'sub']);
/** How many levels of `cause` are searched. */
const MAX_CAUSES = 5;

/** Returns what a failed call to the issuer means. Nothing of the answer but an error code of OAuth is repeated. */
export function failureOf(error: unknown, nowMs: number): IssuerFailure {
  for (const one of causesOf(error)) {
    if (one instanceof IssuerCallError) return { failure: 'unavailable', cause: one.message };
    if (one instanceof InvalidAnswerError) return { failure: 'invalid', cause: one.message };
    if (one instanceof oidc.ResponseBodyError)
      return isOutage(one.status) ? outage(one.response, nowMs, safeErrorCode(one.error)) : refusal(safeErrorCode(one.error));
    if (one instanceof oidc.AuthorizationResponseError) return refusal(AUTHORIZATION_ERRORS.has(one.error) ? one.error : UNKNOWN_ERROR);
    // RFC 6749 s5.2: a client that failed to authenticate
    if (one instanceof oidc.WWWAuthenticateChallengeError) return one.status === 401 ? refusal('invalid_client') : withStatus(one.response, nowMs);
    if (one instanceof oidc.ClientError) {
      const response = responseOf(one);
      if (response) return withStatus(response, nowMs);
      if (one.code !== undefined) return { failure: 'invalid', cause: clientErrorWords(one) };
    }
    if (one instanceof errors.JOSEError) return { failure: 'invalid', cause: idTokenWords(one) };
  }
  return { failure: 'invalid', cause: 'the answer of the issuer could not be processed' };
}

/** Returns an error code of the token endpoint or of another one that only the issuer answers. */
function safeErrorCode(code: unknown): string {
  return typeof code === 'string' && /^[a-z_]{1,60}$/.test(code) ? code : UNKNOWN_ERROR;
}

function refusal(cause: string): IssuerFailure {
  return { failure: TRANSIENT_ERRORS.has(cause) ? 'unavailable' : 'refused', cause };
}

/** A response that is neither a success nor an error of OAuth. */
function withStatus(response: Response, nowMs: number): IssuerFailure {
  const cause = `the issuer answered with status ${response.status}`;
  return isOutage(response.status) ? outage(response, nowMs, cause) : { failure: 'invalid', cause };
}

/** Whatever the body says: a server that is overloaded or broken has refused nothing. */
function isOutage(status: number): boolean {
  return status >= 500 || status === 429;
}

function outage(response: Response, nowMs: number, cause: string): IssuerFailure {
  const retryAfterSeconds = retryAfterOf(response, nowMs);
  return { failure: 'unavailable', cause, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

export function wrongClaimWords(claim: string | undefined): string {
  return `the ID token has a wrong ${claim ?? 'claim'}`;
}

/** The response, if it is neither a success nor an error of OAuth. */
function responseOf({ code, cause }: oidc.ClientError): Response | undefined {
  const isAboutResponse = code === 'OAUTH_RESPONSE_IS_NOT_CONFORM' || code === 'OAUTH_RESPONSE_IS_NOT_JSON';
  return isAboutResponse && cause instanceof Response && !cause.ok ? cause : undefined;
}

function clientErrorWords({ code, message, cause }: oidc.ClientError): string {
  const details = ((cause as Error | undefined)?.cause ?? {}) as { readonly claim?: unknown; readonly attribute?: unknown; readonly reason?: unknown };
  const claim = typeof details.claim === 'string' && CLAIMS.has(details.claim) ? details.claim : undefined;
  switch (code) {
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
      return wrongClaimWords(claim);
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return claim === 'auth_time'
        ? 'the login at the issuer is older than was asked for'
        : `the ID token is not valid at this time (${claim ?? 'exp'}). Are both clocks right?`;
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
      return 'the answer of the issuer is not JSON';
    case 'OAUTH_MISSING_SERVER_METADATA':
    case 'OAUTH_INVALID_SERVER_METADATA':
      return "the issuer's metadata lacks an address that is needed, or has one that is not a URL";
    case 'OAUTH_UNSUPPORTED_OPERATION':
      return 'the answer of the issuer uses something that is not supported, such as an encrypted ID token or another token type than Bearer';
    default:
      return invalidWords(`${message} ${(cause as Error | undefined)?.message ?? ''}`);
  }
}

/** The messages of openid-client say what is missing. They are not passed on, because they may change. */
function invalidWords(message: string): string {
  if (message.includes('"alg"')) return WRONG_ALGORITHM;
  if (message.includes('"iss"')) return 'the answer at the callback names another issuer, or none though the metadata promises it (RFC 9207)';
  if (message.includes('"state"')) return 'the answer at the callback has another state';
  if (message.includes('"id_token"')) return 'the token response has no ID token';
  if (message.includes('"nonce"')) return 'the ID token has no nonce';
  if (message.includes('"auth_time"')) return 'the ID token does not say when the user logged in (auth_time), which max_age asks for';
  return 'the answer of the issuer does not have the form that OAuth or OpenID Connect demands';
}

function idTokenWords(error: errors.JOSEError): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the ID token is wrong';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer does not publish the key that signed the ID token';
  if (error instanceof errors.JWTExpired) return 'the ID token is not valid at this time (exp). Are both clocks right?';
  if (error instanceof errors.JWTClaimValidationFailed) return wrongClaimWords(CLAIMS.has(error.claim) ? error.claim : undefined);
  if (error instanceof errors.JOSEAlgNotAllowed) return WRONG_ALGORITHM;
  return 'the ID token cannot be verified';
}

function* causesOf(error: unknown): Generator<unknown> {
  for (let one = error, depth = 0; one instanceof Error && depth < MAX_CAUSES; one = one.cause, depth++) yield one;
}
