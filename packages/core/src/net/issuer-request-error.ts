import { TokenwardError } from '../lib/tokenward-error.js';

/** A request to the authorization server failed. The message names the address and what happened there. It contains no token and no secret. */
export class IssuerRequestError extends TokenwardError {
  override readonly name = 'IssuerRequestError';
  readonly code = 'TOKENWARD_ISSUER_REQUEST';
  /** The HTTP status. undefined if there was no response. */
  readonly status: number | undefined;
  /** The error code of the response (RFC 6749 s5.2), if it has one. */
  readonly error: string | undefined;
  /** The `Retry-After` of the response in seconds, if it has one. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { status, error, retryAfterSeconds, cause }: Failure = {}) {
    super(message, { cause });
    this.status = status;
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface Failure {
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}
