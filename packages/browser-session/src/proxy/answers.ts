/** The statuses with which a proxy answers by itself. */
export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 500 | 502 | 503 | 504;

const TITLES: Readonly<Record<ProblemStatus, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Members and headers that only some refusals have. */
export interface ProblemParts {
  readonly error?: string;
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns a refusal: problem details (RFC 9457) of fixed words. */
export function problem(status: ProblemStatus, detail: string, { error, reason, headers = {} }: ProblemParts = {}): Response {
  const body = { type: 'about:blank', title: TITLES[status], status, ...(error !== undefined && { error }), ...(reason !== undefined && { reason }), detail };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
  });
}
