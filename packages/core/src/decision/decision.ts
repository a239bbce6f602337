import type { Auth } from '../auth/auth.js';
import type { Explanation } from '../explain/explanation.js';
import type { Reason } from '../vocabulary/reason.js';

/** Header fields by their names in lower case; an array stands for separate field lines. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>;

/** The body of a refusal: problem details for HTTP APIs (RFC 9457). */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The error code of RFC 6750 s3.1, RFC 9470 s3; absent where there were no credentials at all. */
  readonly error?: string;
  readonly detail: string;
  /** The whole scope that would do, where scopes are what lacks. */
  readonly scope?: string;
}

export interface Allow<A extends Auth<object> | undefined> {
  readonly outcome: 'allow';
  readonly auth: A;
  /** To be put on the response, whatever it is. */
  readonly headers: ResponseHeaders;
}

export interface Deny {
  readonly outcome: 'deny';
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: ResponseHeaders;
  readonly body: ProblemDetails;
  /** For operators, never for the wire: what exactly was wrong. */
  readonly reason: Reason;
  /** For operators: the error behind it, or what was expected. */
  readonly cause?: unknown;
  /**
   * Says why, and what to do about it: for logs and developers, never for the client.
   *
   * @example logger.info(decision.explain()); // { reason, summary, expected, found, remedy, docs }
   */
  explain(): Explanation;
}

/** The answer to *may this token do this here?* A refusal is a value; only misuse throws. */
export type Decision<A extends Auth<object> | undefined = Auth | undefined> = Allow<A> | Deny;
