import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { Readable } from 'node:stream';
import { isAnswered } from '@tokenward/core/adapter';
import { textOf } from '../routes/answers.js';
import type { NodeResponse } from './native.js';

/**
 * Fields to which values are added. Values that middleware has set before stay: the cookies of the app, and names in `Vary`, such as `Origin`.
 */
export const ADDED: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

/**
 * Sends a `Response` of fetch. `Set-Cookie` and `Vary` of others stay. The promise is fulfilled once the answer is sent, or the client has left.
 *
 * @param method of the request: an answer to HEAD has no body
 */
export async function sendResponse(answer: Response, response: NodeResponse, method: string | undefined): Promise<void> {
  if (isAnswered(response)) return discard(answer);
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) {
    if (ADDED.has(name)) response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  if (!answer.body || method === 'HEAD') {
    discard(answer);
    response.end();
    return undefined;
  }
  const text = textOf(answer);
  return text === undefined ? sendBody(answer.body, response) : void (response as ServerResponse).end(text);
}

/** Lets the sender of a body know that nobody wants it. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => {});
}

async function sendBody(body: ReadableStream<Uint8Array>, response: NodeResponse): Promise<void> {
  const reader = body.getReader();
  let isClosed = false;
  let wake: (() => void) | undefined;
  response.on('drain', () => wake?.());
  response.once('close', () => {
    isClosed = true;
    wake?.();
    // does nothing if the body has been read to its end
    reader.cancel().catch(() => {});
  });
  // an event stream begins with its headers, long before its first event; a short answer goes out in one piece
  const flushing = setImmediate(() => {
    if (!isClosed) flush(response);
  });
  try {
    for (;;) {
      // eslint-disable-next-line no-await-in-loop -- chunks go out in their order
      const { done, value } = await reader.read();
      if (isClosed) return;
      if (done) break;
      if (!write(response, value)) {
        // eslint-disable-next-line no-await-in-loop -- waits for a slow client
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    response.end();
  } catch {
    // an incomplete answer must not look complete
    abort(response);
  } finally {
    clearImmediate(flushing);
  }
}

function abort(response: NodeResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

/**
 * Returns a body for a framework that sends it itself: the bytes if they are known, or else a stream. The headers are sent as soon as the framework pipes it,
 * since the first chunk of an event stream may come much later. A body that breaks off must not look whole: over HTTP/2, a framework that only destroys the
 * response would end it in good order.
 */
export function bodyFor(answer: Response, response: NodeResponse): Buffer | Readable {
  const text = textOf(answer);
  if (text !== undefined) return Buffer.from(text);
  const body = Readable.fromWeb(answer.body as never);
  response.on('pipe', (source: Readable) => {
    if (source === body) flush(response);
  });
  body.once('error', () => {
    if (response.headersSent) abort(response);
  });
  return body;
}

function flush(response: NodeResponse): void {
  // over HTTP/2 it is there, too, but not in its types
  if (!response.headersSent) (response as ServerResponse).flushHeaders();
}

function write(response: NodeResponse, chunk: Uint8Array): boolean {
  return (response as ServerResponse).write(chunk);
}
