import type { HttpServer } from '@nestjs/common';
import type { MessageReceiver } from '@tokenward/core';
import { receiveFrom } from '@tokenward/core/adapter';
import { rawOf, type NativeResponse } from '../call/carrier.js';
import { isReply, isSent, setHeaders } from '../call/response.js';

/** Handles Express' or Fastify's request, and sends the response. */
export type MessageHandler = (request: object, response: object) => Promise<void>;

/** Returns a handler that passes an authorization server's messages to a receiver. */
export function handlerOf(receive: MessageReceiver): MessageHandler {
  return async (request, given) => {
    const response = given as NativeResponse;
    const { body: parsed } = request as { body?: unknown };
    const { status, headers, body } = await receiveFrom(rawOf(request), parsed, receive);
    if (isSent(response)) return;
    setHeaders(response, headers);
    if (isReply(response)) {
      response.code(status).send(body);
    } else {
      response.statusCode = status;
      response.end(body);
    }
  };
}

const SECURITY_EVENT = 'application/secevent+jwt';

/** Makes Fastify accept security events. Otherwise it answers 415 to their content type. */
export function admitSecurityEvents(httpAdapter: HttpServer): void {
  if (httpAdapter.getType() !== 'fastify') return;
  const app = httpAdapter.getInstance() as {
    hasContentTypeParser(type: string): boolean;
    addContentTypeParser(type: string, parser: (request: unknown, payload: unknown, done: (error: null) => void) => void): void;
  };
  if (!app.hasContentTypeParser(SECURITY_EVENT)) app.addContentTypeParser(SECURITY_EVENT, (_request, _payload, done) => done(null));
}
