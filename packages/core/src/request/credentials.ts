import type { Reason } from '../vocabulary/reason.js';
import { fieldOf } from './fields.js';
import type { ProtectedRequest } from './protected-request.js';

/** The authentication schemes of access tokens (RFC 6750 s2.1, RFC 9449 s7.1). */
export type AuthScheme = 'Bearer' | 'DPoP';

/** An access token and its authentication scheme. A sender-constrained token must not count as a bearer token, so the scheme matters. */
export interface Credentials {
  readonly scheme: AuthScheme;
  readonly token: string;
}

/** Why a request has no usable credentials. */
export interface CredentialsFailure {
  readonly reason: CredentialsReason;
  readonly cause?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly scheme?: AuthScheme | undefined;
  /** An own member: without it, a polluted prototype could give every failure a token. */
  readonly token: undefined;
}

/** Whether credentials were found. */
export function isCredentials(found: Credentials | CredentialsFailure): found is Credentials {
  return found.token !== undefined;
}

/** Whether a request has no `Authorization` header at all. Only then may its credentials come from elsewhere. */
export function isWithoutHeader(failure: CredentialsFailure): boolean {
  return failure === MISSING;
}

type CredentialsReason = Extract<
  Reason,
  | 'missing_token'
  | 'unsupported_scheme'
  | 'malformed_credentials'
  | 'multiple_credentials'
  | 'token_too_large'
  | 'session_ended'
  | 'session_unavailable'
  | 'cross_site_request'
>;

const MISSING: CredentialsFailure = { reason: 'missing_token', token: undefined };
/** The same failure, in a guard with a browser session. The cause is for operators. */
export const WITHOUT_SESSION: CredentialsFailure = {
  reason: 'missing_token',
  token: undefined,
  cause: 'there is neither an Authorization header nor a session cookie',
};
const UNSUPPORTED: CredentialsFailure = { reason: 'unsupported_scheme', token: undefined };
const BARE_TOKEN: CredentialsFailure = { reason: 'unsupported_scheme', token: undefined, cause: 'it contains a token without Bearer before it' };
const NO_HEADER: CredentialsFailure = { reason: 'malformed_credentials', token: undefined, cause: 'the Authorization header is empty or not a string' };
const NO_TOKEN: CredentialsFailure = { reason: 'malformed_credentials', token: undefined, cause: 'nothing follows the word Bearer' };
const NO_DPOP_TOKEN: CredentialsFailure = {
  reason: 'malformed_credentials',
  token: undefined,
  cause: 'nothing follows the word DPoP',
  scheme: 'DPoP',
};
const NO_SCHEME: CredentialsFailure = {
  reason: 'malformed_credentials',
  token: undefined,
  cause: 'the Authorization header does not begin with a scheme and a space',
};
export const MULTIPLE: CredentialsFailure = { reason: 'multiple_credentials', token: undefined };
const TOO_LARGE: CredentialsFailure = { reason: 'token_too_large', token: undefined };
const DPOP_IS_OFF: CredentialsFailure = { reason: 'unsupported_scheme', token: undefined, cause: 'it is DPoP, which the options turn off' };

const BEARER = 'bearer ';
const DPOP = 'dpop ';
/** RFC 9110 s11.4: auth-scheme [ SP ... ] */
const SOME_SCHEME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: |$)/;
/** Two header lines that a proxy joined (RFC 9110 s5.3). */
const FOLDED = /,[ \t]*(?:bearer|dpop)(?:[ \t]|$)/i;
/** A token without a scheme, the most common mistake. By the grammar, it would count as a scheme. */
const BARE_JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Whether a text has the syntax of a bearer token (RFC 6750 s2.1, RFC 9110 s11.2). */
export function isToken68(text: string): boolean {
  return TOKEN68.test(text);
}

/**
 * Finds the access token of a request in its `Authorization` header (RFC 6750 s2.1, RFC 9449 s7.1). A token in the query is never used, but together with
 * the header it makes the request ambiguous (RFC 6750 s2). The caller checks {@link isToken68} for tokens that are not JWTs.
 *
 * @param acceptsDpop whether the scheme DPoP is supported
 */
export function readCredentials(request: ProtectedRequest, maxTokenBytes: number, acceptsDpop: boolean): Credentials | CredentialsFailure {
  const field = fieldOf(request, 'authorization');
  if (field === undefined) return MISSING;
  let value: string;
  if (typeof field === 'string') value = field;
  else if (field.length === 0) return MISSING;
  else if (field.length > 1) return MULTIPLE;
  else value = field[0]!;
  // a stand-in for a request may contain anything
  if (typeof value !== 'string' || value === '') return NO_HEADER;

  if (value.length > BEARER.length + maxTokenBytes) return TOO_LARGE;
  // V8 compiles this, and calls a function of C++ for `includes`
  // eslint-disable-next-line unicorn/prefer-includes -- see above
  if (value.indexOf(',') >= 0 && FOLDED.test(value)) return MULTIPLE;
  if (!startsWithBearer(value)) return withoutBearer(value, request.target, maxTokenBytes, acceptsDpop);
  const token = value.slice(BEARER.length);
  return hasQueryToken(request.target) ? MULTIPLE : { scheme: 'Bearer', token };
}

/** Returns credentials with a token from the `Authorization` header, from another header or from a browser session. */
export function credentialsOf(token: string, target: string, maxTokenBytes: number, scheme: AuthScheme = 'Bearer'): Credentials | CredentialsFailure {
  if (token.length > maxTokenBytes) return TOO_LARGE;
  return hasQueryToken(target) ? MULTIPLE : { scheme, token };
}

function withoutBearer(value: string, target: string, maxTokenBytes: number, acceptsDpop: boolean): Credentials | CredentialsFailure {
  if (value.slice(0, DPOP.length).toLowerCase() === DPOP) {
    if (!acceptsDpop) return DPOP_IS_OFF;
    return credentialsOf(value.slice(DPOP.length), target, maxTokenBytes, 'DPoP');
  }
  if (/^dpop$/i.test(value)) return acceptsDpop ? NO_DPOP_TOKEN : DPOP_IS_OFF;
  if (/^bearer$/i.test(value)) return NO_TOKEN;
  if (BARE_JWT.test(value)) return BARE_TOKEN;
  return SOME_SCHEME.test(value) ? UNSUPPORTED : NO_SCHEME;
}

function startsWithBearer(value: string): boolean {
  return value.startsWith('Bearer ') || value.slice(0, BEARER.length).toLowerCase() === BEARER;
}

function hasQueryToken(target: string): boolean {
  const query = target.indexOf('?');
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('access_token');
}
