import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoopDelay } from '../event-loop.ts';

const RESOLUTION_MILLISECONDS = 1;

/** Answers `GET /me` as the verifier decides on the `Authorization` field, and `GET /delay` with how late timers fired since the last such request. */
export function listen(verify: (authorization: string) => boolean | Promise<boolean>): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MILLISECONDS });
  delay.enable();

  function readDelay(): LoopDelay {
    // the histogram holds the time from one tick of the timer to the next
    const milliseconds = (percentile: number): number => Math.max(0, delay.percentile(percentile) / 1e6 - RESOLUTION_MILLISECONDS);
    const read = { p50Milliseconds: milliseconds(50), p99Milliseconds: milliseconds(99) };
    delay.reset();
    return read;
  }

  const server = createServer((request, response) => {
    function answer(status: number, body: string): void {
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    }
    if (request.url === '/delay') {
      answer(200, JSON.stringify(readDelay()));
      return;
    }
    const isValid = verify(request.headers.authorization ?? '');
    if (isValid instanceof Promise) void isValid.then((settled) => answer(settled ? 200 : 401, '{}'));
    else answer(isValid ? 200 : 401, '{}');
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}
