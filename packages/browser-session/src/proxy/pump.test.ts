import type { ClientRequest } from 'node:http';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pump } from './pump.js';

/** An API that takes a chunk when `take` is called, and a clock that says for whom the proxy waits. */
function setUp(length?: number) {
  const received: string[] = [];
  const taken: (() => void)[] = [];
  let waitsFor = 'nobody';
  const api = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      received.push(chunk.toString());
      taken.push(done);
    },
  });
  const patience = { start: () => void (waitsFor = 'the API'), stop: () => void (waitsFor = 'the client'), end: () => {} };
  let client!: ReadableStreamDefaultController<Uint8Array>;
  let isLetGo = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void (client = controller),
    cancel: () => void (isLetGo = true),
  });
  const pumped = pump(body, api as unknown as ClientRequest, length, patience);
  return {
    api,
    received,
    pumped,
    send: (text: string) => client.enqueue(Buffer.from(text)),
    end: () => client.close(),
    take: () => taken.shift()!(),
    state: async () => (await setImmediate(), waitsFor),
    isLetGo: () => isLetGo,
  };
}

test('a client that is slow with its body is not the fault of the API', async () => {
  const { send, end, take, state, pumped, received } = setUp();
  expect(await state()).toBe('the client');
  send('a');
  expect(await state()).toBe('the API');
  take();
  expect(await state()).toBe('the client');
  send('b');
  expect(await state()).toBe('the API');
  take();
  end();
  await pumped;
  expect(await state()).toBe('the API');
  expect(received).toEqual(['a', 'b']);
});

test('a body that is longer or shorter than it says is an error, and no byte beyond the length is sent', async () => {
  const long = setUp(3);
  long.send('abc');
  await long.state();
  long.take();
  long.send('GET /admin');
  await expect(long.pumped).rejects.toThrow('longer');
  expect(long.received).toEqual(['abc']);

  const short = setUp(3);
  short.send('ab');
  await short.state();
  short.take();
  short.end();
  await expect(short.pumped).rejects.toThrow('shorter');
});

test('a body is let go when the API closes the connection', async () => {
  const { api, pumped, isLetGo } = setUp();
  api.destroy();
  await pumped;
  expect(isLetGo()).toBe(true);
});
