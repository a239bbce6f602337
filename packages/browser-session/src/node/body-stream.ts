import type { Readable } from 'node:stream';

/**
 * Returns a stream of Node as a stream of `fetch`. Nothing is read before somebody asks for it, and no more than one chunk waits, so a slow reader slows the
 * sender.
 *
 * @param letGo is called if the reader wants no more. It decides what happens to the source
 * @param until the response. After its `finish`, the rest of the body is of no use, whether or not the reader has stopped
 */
export function webStreamOf(source: Readable, letGo: () => void, until?: { once(event: 'finish', listener: () => void): unknown }): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        source.pause();
        source.on('data', (chunk: Buffer | string) => {
          if (isOver) return;
          source.pause();
          controller.enqueue(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
        });
        source.once('end', () => end(() => controller.close()));
        source.on('error', fail).once('close', fail);
        until?.once('finish', () => {
          fail();
          letGo();
        });

        function fail(): void {
          end(() => controller.error(new Error('the connection was closed before the end of the body')));
        }
      },
      pull() {
        source.resume();
      },
      cancel() {
        end(letGo);
      },
    },
    { highWaterMark: 0 },
  );

  function end(how: () => void): void {
    if (isOver) return;
    isOver = true;
    how();
  }
}
