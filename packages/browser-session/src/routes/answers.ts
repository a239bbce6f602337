import { ownMembers } from './own-members.js';

/** Returns an answer in JSON. It is in no cache. */
export function jsonAnswer(body: object, setCookies: readonly string[] = []): Response {
  return answer(200, 'application/json', body, {}, setCookies);
}

/** A refusal of a route or of a proxy. */
export interface Problem {
  readonly status: 400 | 401 | 403 | 404 | 405 | 500 | 502 | 503 | 504;
  readonly detail: string;
  readonly error?: string | undefined;
  readonly reason?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly setCookies?: readonly string[] | undefined;
}

const TITLES: Readonly<Record<Problem['status'], string>> = {
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

/** Returns a refusal: problem details (RFC 9457), as guards send them. */
export function problemAnswer(problem: Problem): Response {
  const { status, detail, error, reason, headers = {}, setCookies = [] } = ownMembers(problem);
  const body = { type: 'about:blank', title: TITLES[status], status, ...(error !== undefined && { error }), ...(reason !== undefined && { reason }), detail };
  return answer(status, 'application/problem+json', body, headers, setCookies);
}

/** The answer to a request that may come from another site. The app's own page can correct it, so it names the header. */
export function crossSiteAnswer(): Response {
  return problemAnswer({
    status: 403,
    error: 'cross_site_request',
    reason: 'cross_site_request',
    detail: 'A request with the session cookie needs the header x-tokenward-csrf: 1, and must come from the app itself',
  });
}

/** The answer if a store or the issuer cannot be reached. */
export function unavailableAnswer(setCookies: readonly string[] = [], retryAfterSeconds = 1): Response {
  return problemAnswer({
    status: 503,
    error: 'temporarily_unavailable',
    detail: 'The session cannot be read or refreshed at the moment',
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
    setCookies,
  });
}

/** The answer to a request without a session. A 401 must name a scheme (RFC 9110 s15.5.2), and for a session cookie there is none. */
export function noSessionAnswer(setCookies: readonly string[] = []): Response {
  return problemAnswer({ status: 401, detail: 'Nobody is logged in', headers: { 'www-authenticate': 'Bearer' }, setCookies });
}

export function notFoundAnswer(): Response {
  return problemAnswer({ status: 404, detail: 'There is nothing here' });
}

function answer(status: number, contentType: string, body: object, fields: Readonly<Record<string, string>>, setCookies: readonly string[]): Response {
  const headers = new Headers({ 'content-type': contentType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...fields });
  for (const line of setCookies) headers.append('set-cookie', line);
  const text = JSON.stringify(body);
  const response = new Response(text, { status, headers });
  texts.set(response, text);
  return response;
}

const texts = new WeakMap<Response, string>();

/** Returns the body of an answer that was made here. Servers of Node send it as it is: to read the stream of a `Response` costs more than the whole route. */
export function textOf(response: Response): string | undefined {
  return texts.get(response);
}
