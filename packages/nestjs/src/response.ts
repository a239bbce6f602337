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

/** Ends an answer that goes on when the token of its request expires or is revoked. */
export function endStreamWithToken(response: NativeResponse, { signal }: Auth): void {
  const raw = isReply(response) ? response.raw : response;

  function end(): void {
    raw.end();
  }

  signal.addEventListener('abort', end, { once: true });
  raw.once('close', () => signal.removeEventListener('abort', end));
}
