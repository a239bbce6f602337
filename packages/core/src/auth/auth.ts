import { misuse } from '../lib/configuration-error.js';
import type { JsonObject } from '../lib/json.js';
import type { AppClaims } from './app-claims.js';

/**
 * What a verified access token says: an immutable value. It prints, logs and serialises without the token itself;
 * {@link rawToken} gives that to those who must pass it on.
 */
export interface Auth<C extends object = AppClaims> {
  /** Who issued the token: the configured issuer, byte by byte (`iss`). */
  readonly issuer: string;
  /** Who the token speaks for (`sub`). A user is known by issuer and subject together, never by e-mail or name. */
  readonly subject: string | undefined;
  /** The client that the token was issued to (`client_id`, else `azp`). */
  readonly clientId: string | undefined;
  /** Who the token is meant for (`aud`), always as a list. */
  readonly audience: readonly string[];
  /** What the token grants (`scope` and `scp`, or where the options say). */
  readonly scopes: readonly string[];
  /** The subject's roles, from the claim that the options name (`roles` by default). */
  readonly roles: readonly string[];
  /** Every claim, deeply frozen. Read own members only: the names come from outside. */
  readonly claims: Readonly<C>;
  /** When the token ends (`exp`): seconds since the epoch. */
  readonly expiresAt: number;
  /** When it was issued (`iat`): seconds since the epoch. undefined only with `unsafeAcceptTokensWithoutIssuedAt`. */
  readonly issuedAt: number | undefined;
  /** The token's own identifier (`jti`). */
  readonly tokenId: string | undefined;
  /** The login session it belongs to (`sid`). */
  readonly sessionId: string | undefined;
  /** Who acts on the subject's behalf (`act`, RFC 8693 s4.1). */
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  /**
   * Aborts when the token expires, is revoked, or loses its key or its issuer, and when its guard is closed: to end what was begun with it. Its
   * `reason` is a `TokenEndedError`. Each request has a signal of its own, which lives as long as the request's connection, or as long as you hold it.
   *
   * @example auth.signal.addEventListener('abort', () => response.end(), { once: true });
   */
  readonly signal: AbortSignal;
}

/** Under these names an {@link Auth} tells what it neither prints nor serialises, to whichever copy of this package. */
export const RAW_TOKEN: unique symbol = Symbol.for('tokenward.rawToken') as never;
export const RAW_CLAIMS: unique symbol = Symbol.for('tokenward.rawClaims') as never;

/**
 * The access token that an {@link Auth} was made of, for passing it on to another API.
 *
 * @throws ConfigurationError when the value did not come from a guard.
 */
export function rawToken(auth: Auth<object>): string {
  const read = (auth as { [RAW_TOKEN]?: () => string })[RAW_TOKEN];
  if (typeof read !== 'function') throw misuse('rawToken(auth)', 'this value was not made by a guard, so no token stands behind it');
  return read.call(auth);
}

/** A token's claims as they stand in it, where a schema made something else of them; of an Auth that no guard made, those that it has. */
export function rawClaims(auth: Auth<object>): JsonObject {
  const read = (auth as { [RAW_CLAIMS]?: () => JsonObject })[RAW_CLAIMS];
  return typeof read === 'function' ? read.call(auth) : (auth.claims as JsonObject);
}
