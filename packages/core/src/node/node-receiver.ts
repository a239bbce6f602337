import type { IncomingMessage, ServerResponse } from 'node:http';
import { collectBytes } from '../lib/collect-bytes.js';
import { applyHeaders, isAnswered } from './node-http.js';
import { MAX_MESSAGE_BYTES, type MessageReceiver, type ReceiverAnswer } from '../security-event/receiver.js';

/** The limit for receiving the whole body. */
const TIMEOUT_MS = 10_000;

/**
 * Passes an authorization server's message to a receiver. The caller sends the returned answer, unless another response was sent already.
 *
 * @param parsed the result of a body parser. If it is undefined, this function reads the body, up to 64 KiB
 */
export async function receiveFrom(request: IncomingMessage, parsed: unknown, receive: MessageReceiver): Promise<ReceiverAnswer> {
  const { method = 'GET', headers, headersDistinct } = request;
  const isRead = parsed !== undefined && !(isEmptyObject(parsed) && !request.readableEnded);
  return receive({ method, headers: headersDistinct ?? headers, body: isRead ? parsed : await readBody(request) });
}

/** Passes a message to a receiver as {@link receiveFrom} does, and sends the answer. */
export async function receiveInto(request: IncomingMessage, response: ServerResponse, parsed: unknown, receive: MessageReceiver): Promise<void> {
  const { status, headers, body } = await receiveFrom(request, parsed, receive);
  if (isAnswered(response)) return;
  response.statusCode = status;
  applyHeaders(response, headers);
  response.end(body);
}

/** Body parsers that did not read the body leave an empty object. */
function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.keys(value).length === 0;
}

/** Reads the body. Returns undefined if it is too long or too slow, or if the client disconnects. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (request.readableEnded || request.destroyed) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const bytes = collectBytes(MAX_MESSAGE_BYTES);
    const timer = setTimeout(() => finish(undefined), TIMEOUT_MS);
    timer.unref();

    function finish(body: Buffer | undefined): void {
      clearTimeout(timer);
      request.off('data', take).off('end', end).off('close', giveUp);
      // discards the rest
      request.resume();
      resolve(body);
    }
    function take(chunk: Buffer | string): void {
      if (!bytes.add(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)) finish(undefined);
    }
    function end(): void {
      finish(bytes.buffer());
    }
    function giveUp(): void {
      finish(undefined);
    }
    request.on('data', take).on('end', end).on('close', giveUp).on('error', giveUp);
  });
}
