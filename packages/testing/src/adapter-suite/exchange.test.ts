import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { keepAliveAgent, send } from './exchange.js';

/** A server that closes each connection so long after its answer, and counts connections. */
async function startServer(keptMs: number) {
  let connections = 0;
  const server = createServer(({ socket }: IncomingMessage, response) => {
    response.end();
    setTimeout(() => socket.destroy(), keptMs);
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = keepAliveAgent();
  onTestFinished(() => {
    agent.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { ask: async () => (await send(`http://127.0.0.1:${port}`, { path: '/', agent })).status, connections: () => connections };
}

test('sends the next request over the same connection', async () => {
  const { ask, connections } = await startServer(60_000);
  expect([await ask(), await ask(), connections()]).toEqual([200, 200, 1]);
});

test('does not use a connection that the server closes at the same moment, on a machine that stood still', async () => {
  const { ask, connections } = await startServer(1_100);
  expect(await ask()).toBe(200);
  const next = new Promise<number>((resolve) => setTimeout(() => resolve(ask()), 1_150));
  // all timers are due when it goes on, and the client has not yet read that the server closed
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_300);
  expect([await next, connections()]).toEqual([200, 2]);
});
