import { collectBytes } from '../lib/collect-bytes.js';

/** The limit for receiving the whole body. */
const TIMEOUT_MS = 10_000;

/**
 * Returns the body of a `Request`; undefined if there is none, if it is too long or too slow, if somebody else reads it, or if the client disconnects.
 *
 * @param maxBytes the longest body that is read
 */
export async function readRequestBody({ body, bodyUsed }: Request, maxBytes: number): Promise<Buffer | undefined> {
  if (body === null || bodyUsed || body.locked) return undefined;
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const bytes = collectBytes(maxBytes);
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
    return isLate ? undefined : bytes.buffer();
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
