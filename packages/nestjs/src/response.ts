import type { ResponseHeaders } from '@tokenward/core';
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
