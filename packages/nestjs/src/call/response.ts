import type { ExecutionContext } from '@nestjs/common';
import type { Auth, ResponseHeaders } from '@tokenward/core';
import { applyHeaders, isAnswered } from '@tokenward/core/adapter';
import type { FastifyReply, NativeResponse } from './carrier.js';

export function isReply(response: NativeResponse): response is FastifyReply {
  return 'raw' in response;
}

export function isSent(response: NativeResponse): boolean {
  return isReply(response) ? response.sent || isAnswered(response.raw) : isAnswered(response);
}

export function setHeaders(response: NativeResponse, headers: ResponseHeaders): void {
  if (isReply(response)) response.headers(headers);
  else applyHeaders(response, headers);
}

/** What `@Sse()` writes onto a handler. */
const SSE = '__sse__';

export function isEventStream(context: ExecutionContext): boolean {
  return Reflect.getMetadata(SSE, context.getHandler()) === true;
}

const CLOSING_MS = 1000;

/**
 * Ends an answer that goes on when the token of its request expires or is revoked. Nest lets what feeds it go on until the connection is closed, so
 * that is closed, too: at once where no word was sent yet, since an empty answer would be a wrong one.
 */
export function endStreamWithToken(response: NativeResponse, { signal }: Auth): void {
  const raw = isReply(response) ? response.raw : response;
  const { socket } = raw;
  // of HTTP/2 many requests share one connection
  const { stream } = raw as { stream?: { destroy(): void } };

  function close(): void {
    if (stream) stream.destroy();
    else socket?.destroy();
  }

  function end(): void {
    if (!raw.headersSent) return close();
    raw.once('finish', close);
    raw.end();
    // a client that reads slowly, or not at all
    setTimeout(close, CLOSING_MS).unref();
  }

  signal.addEventListener('abort', end, { once: true });
  raw.once('close', () => signal.removeEventListener('abort', end));
  if (signal.aborted) end();
}
