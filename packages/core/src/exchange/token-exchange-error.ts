import { TokenwardError } from '../lib/tokenward-error.js';

/**
 * Why a call in a user's name was not made, or failed. A closed set.
 *
 * - `token_ended`: the received token has expired, was revoked, or is no longer trusted
 * - `other_issuer`: another authorization server issued the received token, and this one must not see it
 * - `sender_constrained`: the received token is bound to its client, so it cannot be relayed
 * - `origin_not_listed`: the address is not on one of the origins of the audience
 * - `refused`: the authorization server refused the exchange; see `error`
 * - `unusable_answer`: it answered with something that is not a bearer token
 * - `unavailable`: it cannot be reached, is overloaded, or too many exchanges wait
 * - `unreachable`: the called API cannot be reached, did not answer in time, or the app's own fetch followed its redirect
 */
export type TokenExchangeFailure =
  | 'token_ended'
  | 'other_issuer'
  | 'sender_constrained'
  | 'origin_not_listed'
  | 'refused'
  | 'unusable_answer'
  | 'unavailable'
  | 'unreachable';

interface Details {
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** A call in a user's name was not made, or failed. The message names the audience or an address. It contains no token, no secret, and nothing of an answer. */
export class TokenExchangeError extends TokenwardError {
  override readonly name = 'TokenExchangeError';
  readonly code = 'TOKENWARD_TOKEN_EXCHANGE';
  readonly reason: TokenExchangeFailure;
  /** The HTTP status of the authorization server. undefined if it did not answer. */
  readonly status: number | undefined;
  /** Its error code (RFC 6749 s5.2, RFC 8693 s2.2.2), such as `invalid_target`. */
  readonly error: string | undefined;
  /** Its `Retry-After` in seconds, if it has one. */
  readonly retryAfterSeconds: number | undefined;

  constructor(reason: TokenExchangeFailure, message: string, { status, error, retryAfterSeconds }: Details = {}) {
    super(`tokenward: ${message}`);
    this.reason = reason;
    this.status = status;
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
