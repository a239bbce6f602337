import { misuse } from '../lib/configuration-error.js';
import type { JsonObject } from '../lib/json.js';
import type { AppClaims } from './app-claims.js';

/**
 * The content of a verified access token: an immutable value. It never prints or serialises the token itself. {@link rawToken} returns the token, to pass
 * it on.
 */
export interface Auth<C extends object = AppClaims> {
  /** The issuer of the token (`iss`), exactly as configured. */
  readonly issuer: string;
  /** The subject of the token (`sub`). A user is identified by issuer and subject together, never by e-mail address or name. */
  readonly subject: string | undefined;
  /** The client that the token was issued to (`client_id`, else `azp`). */
  readonly clientId: string | undefined;
  /** The audience of the token (`aud`), always as a list. */
  readonly audience: readonly string[];
  /** The granted scopes: `scope` and `scp`, or as set by `scopesClaim`. */
  readonly scopes: readonly string[];
  /** The subject's roles: `roles`, or as set by `rolesClaim`. */
  readonly roles: readonly string[];
  /** All claims, deeply frozen. With a schema, its result. Read only own members, because the token chooses the names. */
  readonly claims: Readonly<C>;
  /** When the token expires (`exp`), in seconds since the epoch. */
  readonly expiresAt: number;
  /** When the token was issued (`iat`), in seconds since the epoch. undefined only with `unsafeAcceptTokensWithoutIssuedAt`. */
  readonly issuedAt: number | undefined;
  /** The identifier of the token (`jti`). */
  readonly tokenId: string | undefined;
  /** The login session of the token (`sid`). */
  readonly sessionId: string | undefined;
  /** The party that acts on the subject's behalf (`act`, RFC 8693 s4.1). */
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  /**
   * Aborts when the token expires or is revoked, when its key or issuer is no longer trusted, and when the guard is closed. Use it to end long-lived work.
   * Its `reason` is a `TokenEndedError`. Each request has its own signal. It exists as long as the request's connection, or as long
   * as you keep a reference to it.
   *
   * @example auth.signal.addEventListener('abort', () => response.end(), { once: true });
   */
  readonly signal: AbortSignal;
}

/** The names of the members of an {@link Auth} that it neither prints nor serialises. Every copy of this package uses the same names. */
export const RAW_TOKEN: unique symbol = Symbol.for('tokenward.rawToken') as never;
export const RAW_CLAIMS: unique symbol = Symbol.for('tokenward.rawClaims') as never;

/**
 * Returns the access token of an {@link Auth}, to pass it on to another API.
 *
 * @throws ConfigurationError if no guard created the value
 *
 * @example await fetch(url, { headers: { authorization: `Bearer ${rawToken(auth)}` } });
 */
export function rawToken(auth: Auth<object>): string {
  const read = (auth as { [RAW_TOKEN]?: () => string })[RAW_TOKEN];
  if (typeof read !== 'function') throw misuse('rawToken(auth)', 'no guard created this value, so it has no token. Pass the auth of a decision');
  return read.call(auth);
}

/** Returns the claims as the token has them, before a schema changed them. For an `Auth` that no guard created, returns its claims. */
export function rawClaims(auth: Auth<object>): JsonObject {
  const read = (auth as { [RAW_CLAIMS]?: () => JsonObject })[RAW_CLAIMS];
  return typeof read === 'function' ? read.call(auth) : (auth.claims as JsonObject);
}
