import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoopDelay } from '../event-loop.ts';

const RESOLUTION_MILLISECONDS = 1;

/** Answers `GET /me` by what a verifier says of the `Authorization` field, and `GET /delay` by how late timers came since it was asked last. */
export function listen(verify: (authorization: string) => boolean | Promise<boolean>): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MILLISECONDS });
  delay.enable();

  function readDelay(): LoopDelay {
    // what is recorded is the time from one tick of the timer to the next
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
    const verdict = verify(request.headers.authorization ?? '');
    if (verdict instanceof Promise) void verdict.then((isGood) => answer(isGood ? 200 : 401, '{}'));
    else answer(verdict ? 200 : 401, '{}');
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}
