import type { IncomingMessage } from 'node:http';
import { collectBytes } from '@tokenward/core/adapter';

/** A body that was parsed as JSON, or why there is none: the status and the words of the answer. */
export type ReadMessage = { readonly body: unknown } | { readonly status: 400 | 413 | 415; readonly message: string };

const NOT_JSON: ReadMessage = { status: 415, message: 'Unsupported Media Type: Content-Type must be application/json' };
const INVALID: ReadMessage = { status: 400, message: 'Parse error: Invalid JSON' };
const TOO_LARGE: ReadMessage = { status: 413, message: 'Payload Too Large' };

/** As every other reader of the body takes it: `application/json; charset=utf-8` is JSON, `application/json-patch+json` is not. */
const JSON_TYPE = /^[ \t]*application\/json[ \t]*(?:;|$)/i;

/** Reads the body of a request as JSON in UTF-8. Returns undefined if the client disconnects. */
export async function readMessage(request: IncomingMessage, maxBytes: number): Promise<ReadMessage | undefined> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '') || request.headers['content-encoding'] !== undefined) return NOT_JSON;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return TOO_LARGE;
  const bytes = await readBytes(request, maxBytes);
  if (!(bytes instanceof Uint8Array)) return bytes;
  try {
    return { body: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown };
  } catch {
    return INVALID;
  }
}

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | ReadMessage | undefined> {
  if (request.readableEnded || request.destroyed) return Promise.resolve(INVALID);
  return new Promise((resolve) => {
    const bytes = collectBytes(maxBytes);

    function finish(result: Uint8Array | ReadMessage | undefined): void {
      request.off('data', take).off('end', end).off('close', giveUp);
      resolve(result);
    }
    function take(chunk: Buffer): void {
      if (!bytes.add(chunk)) finish(TOO_LARGE);
    }
    function end(): void {
      finish(bytes.all());
    }
    function giveUp(): void {
      finish(undefined);
    }
    request.on('data', take).on('end', end).on('close', giveUp).on('error', giveUp);
  });
}
