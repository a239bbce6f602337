import type { MessageReceiver } from '@tokenward/core';
import { MAX_MESSAGE_BYTES, readRequestBody } from '@tokenward/core/adapter';
import { recordOf } from './headers.js';
import { withHeaders } from './answers.js';

/**
 * Passes an authorization server's message to a receiver, and returns the response.
 *
 * @param parsed the result of a body parser. If it is undefined, this function reads the body, up to 64 KiB
 */
export async function receiveMessage(request: Request, receive: MessageReceiver, parsed?: unknown): Promise<Response> {
  const { method, headers } = request;
  const {
    status,
    headers: given,
    body,
  } = await receive({ method, headers: recordOf(headers), body: parsed ?? (await readRequestBody(request, MAX_MESSAGE_BYTES)) });
  return withHeaders(new Response(body === '' ? null : body, { status }), given);
}
