import type { Reason } from '../vocabulary/reason.js';
import type { ProtectedRequest } from './protected-request.js';

/** An access token as it was presented, and by which scheme: a token that is bound to its sender must not count as a bearer token. */
export interface Credentials {
  readonly scheme: 'Bearer';
  readonly token: string;
}

/** Why a request has no credentials that could be verified. */
export interface CredentialsFailure {
  readonly reason: CredentialsReason;
  readonly cause?: string;
  /** A member of its own: with a polluted prototype, every failure would hold a token. */
  readonly token: undefined;
}

export function isCredentials(found: Credentials | CredentialsFailure): found is Credentials {
  return found.token !== undefined;
}

type CredentialsReason = Extract<Reason, 'missing_token' | 'unsupported_scheme' | 'malformed_credentials' | 'multiple_credentials' | 'token_too_large'>;

const MISSING: CredentialsFailure = { reason: 'missing_token', token: undefined };
const UNSUPPORTED: CredentialsFailure = { reason: 'unsupported_scheme', token: undefined };
const BARE_TOKEN: CredentialsFailure = { reason: 'unsupported_scheme', token: undefined, cause: 'it holds a token without the word Bearer in front of it' };
const NO_HEADER: CredentialsFailure = { reason: 'malformed_credentials', token: undefined, cause: 'the Authorization header is empty or no text' };
const NO_TOKEN: CredentialsFailure = { reason: 'malformed_credentials', token: undefined, cause: 'nothing follows the word Bearer' };
const NO_SCHEME: CredentialsFailure = {
  reason: 'malformed_credentials',
  token: undefined,
  cause: 'the Authorization header does not begin with a scheme and a space',
};
const MULTIPLE: CredentialsFailure = { reason: 'multiple_credentials', token: undefined };
const TOO_LARGE: CredentialsFailure = { reason: 'token_too_large', token: undefined };

const BEARER = 'bearer ';
/** auth-scheme [ SP ... ]: RFC 9110 s11.4 */
const SOME_SCHEME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: |$)/;
/** Two field lines that a proxy joined (RFC 9110 s5.3). */
const FOLDED_BEARER = /,[ \t]*bearer(?:[ \t]|$)/i;
/** The commonest slip: by its grammar a token alone is the name of a scheme. */
const BARE_JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/** What a Bearer token may be made of (RFC 6750 s2.1, RFC 9110 s11.2). */
export function isToken68(text: string): boolean {
  return TOKEN68.test(text);
}

/**
 * Finds the access token of a request. It is taken from the `Authorization` field alone (RFC 6750 s2.1); one in the query is not used,
 * but beside the field it makes the request ambiguous (RFC 6750 s2). Whether it is {@link isToken68} is asked of what is no JWT only.
 */
export function readCredentials(request: ProtectedRequest, maxTokenBytes: number): Credentials | CredentialsFailure {
  const field = request.headers['authorization'] ?? fieldInAnyCase(request.headers);
  if (field === undefined) return MISSING;
  let value: string;
  if (typeof field === 'string') value = field;
  else if (field.length === 0) return MISSING;
  else if (field.length > 1) return MULTIPLE;
  else value = field[0]!;
  // what stands in for a request may hold anything
  if (typeof value !== 'string' || value === '') return NO_HEADER;

  if (value.length > BEARER.length + maxTokenBytes) return TOO_LARGE;
  if (value.includes(',') && FOLDED_BEARER.test(value)) return MULTIPLE;
  if (!startsWithBearer(value)) return withoutBearer(value);
  const token = value.slice(BEARER.length);
  return hasQueryToken(request.target) ? MULTIPLE : { scheme: 'Bearer', token };
}

function withoutBearer(value: string): CredentialsFailure {
  if (/^bearer$/i.test(value)) return NO_TOKEN;
  if (BARE_JWT.test(value)) return BARE_TOKEN;
  return SOME_SCHEME.test(value) ? UNSUPPORTED : NO_SCHEME;
}

/** Node writes names in lower case; platforms that hand requests on as plain objects may write them as the client did. */
function fieldInAnyCase(headers: ProtectedRequest['headers']): string | readonly string[] | undefined {
  const names = Object.keys(headers).filter((name) => name.length === 13 && headers[name] !== undefined && name.toLowerCase() === 'authorization');
  return names.length > 1 ? names.flatMap((name) => headers[name]!) : headers[names[0]!];
}

function startsWithBearer(value: string): boolean {
  return value.startsWith('Bearer ') || value.slice(0, BEARER.length).toLowerCase() === BEARER;
}

function hasQueryToken(target: string): boolean {
  const query = target.indexOf('?');
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('access_token');
}
