import type { SessionFailure, SessionToken } from '@tokenward/core/store';
import { crossSiteAnswer, noSessionAnswer, problemAnswer, unavailableAnswer, type Problem } from '../routes/answers.js';
import type { UpstreamFailure } from './upstream.js';

/** The answer to a request without a usable session. */
export function sessionRefusal(found: SessionFailure | undefined): Response {
  switch (found?.reason) {
    case 'cross_site_request':
      return crossSiteAnswer();
    case 'session_unavailable':
      return unavailableAnswer(setCookiesOf(found), found.retryAfterSeconds);
    default:
      return noSessionAnswer(setCookiesOf(found));
  }
}

/** The answer if the API gives none. */
export function failureAnswer(failure: UpstreamFailure, setCookies: readonly string[]): Response {
  return problemAnswer({ ...FAILURES[failure], setCookies });
}

const UNREACHABLE = { status: 502, detail: 'The API cannot be reached, or does not answer with HTTP' } as const;
const FAILURES: Readonly<Record<UpstreamFailure, Pick<Problem, 'status' | 'detail'>>> = {
  timeout: { status: 504, detail: 'The API did not answer in time' },
  body: { status: 400, detail: 'The body of the request is incomplete, or longer than Content-Length says' },
  request: { status: 400, detail: 'The request has a header that cannot be passed on' },
  unreachable: UNREACHABLE,
  // nobody sees this one
  left: UNREACHABLE,
};

export function setCookiesOf(found: Pick<SessionToken | SessionFailure, 'headers'> | undefined): readonly string[] {
  const lines = found?.headers && Object.hasOwn(found.headers, 'set-cookie') ? found.headers['set-cookie']! : [];
  return typeof lines === 'string' ? [lines] : lines;
}
