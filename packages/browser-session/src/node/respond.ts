import { isReadable, originForm, requestOf, type Exchange } from './request-of.js';
import { problemAnswer } from '../routes/answers.js';

/**
 * Answers a request of Node by a handler of fetch's form. The `Request` is aborted when the client leaves.
 *
 * @param origin the app's own origin, as configured
 * @param target the request's target, as the client sent it
 * @throws ConfigurationError (the promise rejects) if a body parser has read the body, and it cannot be written again
 */
export async function respond(exchange: Exchange, origin: string, target: string, handle: (request: Request) => Promise<Response>): Promise<Response> {
  const { request, response } = exchange;
  const path = originForm(target);
  if (path === undefined) return problemAnswer({ status: 400, detail: 'The target of the request has no path' });
  if (!isReadable(request)) return problemAnswer({ status: 405, detail: 'This address does not take the method' });
  const left = new AbortController();
  // no second AbortController: what it is aborted with is an error with a stack, which costs more than the rest of this
  let isFinished = false;
  response.once('finish', () => (isFinished = true));
  response.once('close', () => {
    if (!isFinished) left.abort();
  });
  return handle(requestOf(exchange, origin, path, left.signal));
}
