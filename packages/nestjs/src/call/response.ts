import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { Auth, ResponseHeaders } from '@tokenward/core';
import { addCookies, applyHeaders, cookiesWith, isAnswered, keepOutOfCaches, SET_COOKIE, removeCacheFields } from '@tokenward/core/adapter';
import type { Carrier, FastifyReply, NativeResponse } from './carrier.js';

export function isReply(response: NativeResponse): response is FastifyReply {
  return 'raw' in response;
}

export function isSent(response: NativeResponse): boolean {
  return isReply(response) ? response.sent || isAnswered(response.raw) : isAnswered(response);
}

export function setHeaders(response: NativeResponse, headers: ResponseHeaders): void {
  if (!isReply(response)) return applyHeaders(response, headers);
  if (!Object.hasOwn(headers, SET_COOKIE)) return void response.headers(headers);
  const { [SET_COOKIE]: _cookies, ...others } = headers;
  response.headers(others);
  addTo(response, headers);
}

/** Express' response. */
interface JsonResponse extends ServerResponse {
  json(body: unknown): unknown;
}

/**
 * Sets the headers of a refusal whose exception has this body. On Express the content type is set only when the body is sent: NestJS 11 warns of any type but
 * `application/json` on the answer to an exception, and replaces it. So an exception filter that answers in its own way does not get our type either.
 */
export function setRefusalHeaders(response: NativeResponse, headers: ResponseHeaders, body: unknown): void {
  if (!isSent(response)) removeCacheFields(response);
  if (isReply(response) || !('json' in response)) return setHeaders(response, headers);
  const { 'content-type': type, ...others } = headers;
  setHeaders(response, others);
  if (response.headersSent) return;
  response.removeHeader('content-type');
  const express = response as JsonResponse;
  const { json } = express;
  express.json = function sendJson(this: JsonResponse, sent: unknown) {
    if (sent === body && this.getHeader('content-type') === undefined) this.setHeader('content-type', type as string);
    return json.call(this, sent);
  };
}

/** Adds the `Set-Cookie` lines of a decision to what is on the response of a call. */
export function setCookies(carrier: Carrier | undefined, headers: ResponseHeaders): void {
  const response = carrier?.response ?? carrier?.sharedResponse;
  if (response) addTo(response, headers);
}

/**
 * With Fastify, the lines are also set on Node's response, for handlers that write on it. Otherwise Fastify replaces the lines there with those of the reply,
 * so the reply must contain them all.
 */
function addTo(response: NativeResponse, headers: ResponseHeaders): void {
  if (!isReply(response)) return addCookies(response, headers);
  const cookies = response.raw.headersSent ? undefined : cookiesWith(response.getHeader(SET_COOKIE), headers);
  if (!cookies) return;
  response.removeHeader(SET_COOKIE);
  response.headers({ [SET_COOKIE]: cookies });
  response.raw.setHeader(SET_COOKIE, [...cookies]);
  keepOutOfCaches(response.raw);
}

/** The metadata that `@Sse()` writes on a handler. */
const SSE = '__sse__';

/** Whether a handler has `@Sse()`. Metadata is slow to read, so each handler's is read once. */
const eventStreams = new WeakMap<object, boolean>();

export function isEventStream(context: ExecutionContext): boolean {
  const handler = context.getHandler();
  const known = eventStreams.get(handler);
  if (known !== undefined) return known;
  const isStream = Reflect.getMetadata(SSE, handler) === true;
  eventStreams.set(handler, isStream);
  return isStream;
}

const CLOSING_MS = 1000;

/**
 * Ends a streaming response when the token of its request expires or is revoked. Nest keeps the stream's source running until the connection closes, so the
 * connection is closed too. If nothing was sent yet, it is closed at once: an empty response would look like a complete one.
 */
export function endStreamWithToken(response: NativeResponse, { signal }: Auth): void {
  const raw = isReply(response) ? response.raw : response;
  const { socket } = raw;
  // in HTTP/2, many requests share one connection
  const { stream } = raw as { stream?: { destroy(): void } };

  function close(): void {
    if (stream) stream.destroy();
    else socket?.destroy();
  }

  function end(): void {
    if (!raw.headersSent) return close();
    raw.once('finish', close);
    raw.end();
    // for a client that reads slowly or not at all
    setTimeout(close, CLOSING_MS).unref();
  }

  signal.addEventListener('abort', end, { once: true });
  raw.once('close', () => signal.removeEventListener('abort', end));
  if (signal.aborted) end();
}
