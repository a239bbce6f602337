import type { SessionFailure, SessionToken } from '@tokenward/core/store';
import { problem } from './answers.js';
import type { UpstreamFailure } from './upstream.js';

/** The answer to a request that may come from another site. The app's own page can correct it, so it names the header. */
export function crossSiteRefusal(): Response {
  return problem(403, 'A request with the session cookie needs the header x-tokenward-csrf: 1, and must come from the app itself', {
    error: 'cross_site_request',
    reason: 'cross_site_request',
  });
}

/** The answer to a request without a usable session. */
export function sessionRefusal(found: SessionFailure | undefined): Response {
  switch (found?.reason) {
    case 'cross_site_request':
      return crossSiteRefusal();
    case 'session_unavailable':
      return withCookies(
        problem(503, 'The session cannot be read or refreshed at the moment', { error: 'temporarily_unavailable', headers: { 'retry-after': '1' } }),
        setCookiesOf(found),
      );
    default:
      // a 401 must name a scheme (RFC 9110 s15.5.2), and for a session cookie there is none
      return withCookies(problem(401, 'Nobody is logged in', { headers: { 'www-authenticate': 'Bearer' } }), setCookiesOf(found));
  }
}

/** The answer if the API gives none. */
export function failureAnswer(failure: UpstreamFailure): Response {
  switch (failure) {
    case 'timeout':
      return problem(504, 'The API did not answer in time');
    case 'body':
      return problem(400, 'The body of the request is incomplete, or longer than Content-Length says');
    case 'request':
      return problem(400, 'The request has a header that cannot be passed on');
    case 'unreachable':
    // nobody sees this one
    case 'left':
      return problem(502, 'The API cannot be reached, or its answer is no HTTP');
  }
}

/** Adds the session's Set-Cookie lines to an answer. */
export function withCookies(answer: Response, setCookies: readonly string[]): Response {
  for (const line of setCookies) answer.headers.append('set-cookie', line);
  return answer;
}

export function setCookiesOf(found: Pick<SessionToken | SessionFailure, 'headers'> | undefined): readonly string[] {
  const lines = found?.headers && Object.hasOwn(found.headers, 'set-cookie') ? found.headers['set-cookie']! : [];
  return typeof lines === 'string' ? [lines] : lines;
}
