import type { IncomingMessage, ServerResponse } from 'node:http';
import { applyHeaders, isAnswered } from './node-http.js';
import { MAX_MESSAGE_BYTES, type MessageReceiver, type ReceiverAnswer } from '../security-event/receiver.js';

/** So long the sender may take for all of its body. */
const TIMEOUT_MS = 10_000;

/**
 * Hands an authorization server's message to a receiver. What it says is to be answered, unless somebody else has answered meanwhile.
 *
 * @param parsed what a body parser has made of the body, where one has read it; undefined has it read here, up to 64 KiB
 */
export async function receiveFrom(request: IncomingMessage, parsed: unknown, receive: MessageReceiver): Promise<ReceiverAnswer> {
  const { method = 'GET', headers, headersDistinct } = request;
  const isRead = parsed !== undefined && !(isEmptyObject(parsed) && !request.readableEnded);
  return receive({ method, headers: headersDistinct ?? headers, body: isRead ? parsed : await readBody(request) });
}

/** As {@link receiveFrom}, and sends the answer over Node's own response. */
export async function receiveInto(request: IncomingMessage, response: ServerResponse, parsed: unknown, receive: MessageReceiver): Promise<void> {
  const { status, headers, body } = await receiveFrom(request, parsed, receive);
  if (isAnswered(response)) return;
  response.statusCode = status;
  applyHeaders(response, headers);
  response.end(body);
}

/** What body parsers put there when they have read nothing. */
function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.keys(value).length === 0;
}

/** undefined: it is too long, too slow, or was given up. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (request.readableEnded || request.destroyed) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => finish(undefined), TIMEOUT_MS);
    timer.unref();

    function finish(body: Buffer | undefined): void {
      clearTimeout(timer);
      request.off('data', take).off('end', end).off('close', giveUp);
      // the rest may come and is let go
      request.resume();
      resolve(body);
    }
    function take(chunk: Buffer | string): void {
      bytes += chunk.length;
      if (bytes > MAX_MESSAGE_BYTES) finish(undefined);
      else chunks.push(Buffer.from(chunk));
    }
    function end(): void {
      finish(Buffer.concat(chunks));
    }
    function giveUp(): void {
      finish(undefined);
    }
    request.on('data', take).on('end', end).on('close', giveUp).on('error', giveUp);
  });
}
