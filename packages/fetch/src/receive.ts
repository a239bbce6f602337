import type { MessageReceiver } from '@tokenward/core';
import { collectBytes, MAX_MESSAGE_BYTES } from '@tokenward/core/adapter';
import { recordOf } from './headers.js';
import { withHeaders } from './answers.js';

/** The limit for receiving the whole body. */
const TIMEOUT_MS = 10_000;

/**
 * Passes an authorization server's message to a receiver, and returns the response.
 *
 * @param parsed the result of a body parser. If it is undefined, this function reads the body, up to 64 KiB
 */
export async function receiveMessage(request: Request, receive: MessageReceiver, parsed?: unknown): Promise<Response> {
  const { method, headers } = request;
  const { status, headers: given, body } = await receive({ method, headers: recordOf(headers), body: parsed ?? (await readBody(request)) });
  return withHeaders(new Response(body === '' ? null : body, { status }), given);
}

/** Reads the body. Returns undefined if it is too long or too slow, if somebody else read it, or if the client disconnects. */
async function readBody({ body, bodyUsed }: Request): Promise<Uint8Array | undefined> {
  if (body === null || bodyUsed || body.locked) return undefined;
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const bytes = collectBytes(MAX_MESSAGE_BYTES);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    giveUp(reader);
  }, TIMEOUT_MS);
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (bytes.add(piece.value)) continue;
      giveUp(reader);
      return undefined;
    }
    // a reader that was cancelled says that the body is complete
    return isLate ? undefined : bytes.all();
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Does not wait: the source may never answer. */
function giveUp(reader: ReadableStreamDefaultReader): void {
  reader.cancel().catch(() => {});
}
