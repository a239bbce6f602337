import type { Auth } from '../auth/auth.js';
import type { Explanation } from '../explain/explanation.js';
import type { Reason } from '../vocabulary/reason.js';

/** Header fields, with names in lower case. An array means separate field lines. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>;

/** The body of a refusal: problem details for HTTP APIs (RFC 9457). */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The error code of RFC 6750 s3.1 or RFC 9470 s3; absent if the request had no credentials, or if no token allows it. */
  readonly error?: string;
  /** Only for a session cookie without proof that the request comes from the app itself. Its page can then correct the request. */
  readonly reason?: 'cross_site_request';
  readonly detail: string;
  /** All scopes that the next token needs, if scopes are missing. */
  readonly scope?: string;
}

/** The request is admitted. */
export interface Allow<A extends Auth<object> | undefined> {
  readonly outcome: 'allow';
  readonly auth: A;
  /** Headers for the response, whatever its status. */
  readonly headers: ResponseHeaders;
}

/** The request is refused. */
export interface Deny {
  readonly outcome: 'deny';
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: ResponseHeaders;
  readonly body: ProblemDetails;
  /** For operators, not for clients: why the request was refused. */
  readonly reason: Reason;
  /** For operators, never for clients: the underlying error, the claim or the policy. */
  readonly cause?: unknown;
  /**
   * Explains why the request was refused and what to do about it: for logs and developers, never for clients.
   *
   * @example logger.info(decision.explain()); // { reason, summary, expected, found, remedy, docs }
   */
  explain(): Explanation;
}

/** The guard's decision on a request: to admit it or to refuse it. A refusal is a value; only misuse throws. */
export type Decision<A extends Auth<object> | undefined = Auth | undefined> = Allow<A> | Deny;
