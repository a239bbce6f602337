import type { ClientRequest } from 'node:http';
import type { Patience } from './patience.js';

/**
 * Sends a body to the API, no faster than the API takes it. If the API closes the connection, the rest of the body is dropped.
 *
 * @param length that the headers promise. A body that is longer would be the beginning of another request to the API
 * @throws an error (the promise rejects) if the body breaks off, or has another length
 */
export async function pump(body: ReadableStream<Uint8Array>, sent: ClientRequest, length: number | undefined, patience: Patience): Promise<void> {
  const reader = body.getReader();
  let isClosed = false;
  let wake: (() => void) | undefined;
  sent.on('drain', () => wake?.());
  sent.once('close', () => {
    isClosed = true;
    wake?.();
    reader.cancel().catch(() => {});
  });
  let bytes = 0;
  for (;;) {
    // from now on, a delay is the client's fault
    patience.stop();
    // eslint-disable-next-line no-await-in-loop -- chunks are sent in their order
    const { done, value } = await reader.read();
    if (isClosed) return;
    patience.start();
    if (done) break;
    bytes += value.byteLength;
    if (length !== undefined && bytes > length) throw new Error('the body is longer than Content-Length says');
    if (!sent.write(value)) {
      // eslint-disable-next-line no-await-in-loop -- waits for a slow API
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  if (length !== undefined && bytes < length) throw new Error('the body is shorter than Content-Length says');
  sent.end();
}
