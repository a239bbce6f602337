import type { IncomingMessage } from 'node:http';
import { webStreamOf } from '../node/body-stream.js';
import { problemAnswer } from '../routes/answers.js';
import { browserHeaders } from './header-rules.js';
import type { ProxyConfig } from './proxy-options.js';
import { appLocation } from './target.js';

/** The request that the API answers. */
interface AnsweredRequest {
  readonly request: Request;
  readonly target: string;
  readonly mountPath: string;
  readonly config: ProxyConfig;
  /** Set-Cookie lines of the session. */
  readonly setCookies: readonly string[];
}

/** Statuses with which an answer has no body (RFC 9110 s6.4.1). */
const BODILESS = new Set([204, 205, 304]);

/** Returns the API's answer for the browser. Its body is passed on while it arrives. */
export function apiAnswer(answer: IncomingMessage, { request, target, mountPath, config, setCookies }: AnsweredRequest): Response {
  const { statusCode: status = 0, rawHeaders } = answer;
  // `Response` takes no other statuses
  if (status < 200 || status > 599) return dropped('The answer of the API has no meaning');
  const headers = browserHeaders(rawHeaders, setCookies, config);
  const location = headers.get('location');
  const rewritten = location === null ? undefined : appLocation(location, target, config, mountPath);
  if (rewritten !== undefined) headers.set('location', rewritten);
  // the API must not send the browser, which has the session's cookie, to an arbitrary address
  else if (location !== null && status >= 300 && status < 400) return dropped('The API redirects to another place');
  if (request.method === 'HEAD' || BODILESS.has(status)) {
    // a body would be a mistake of the API, and may have no end
    answer.once('data', () => void answer.destroy());
    return new Response(null, { status, headers });
  }
  return new Response(
    webStreamOf(answer, () => void answer.destroy()),
    { status, headers },
  );

  function dropped(detail: string): Response {
    answer.destroy();
    return problemAnswer({ status: 502, detail, setCookies });
  }
}
