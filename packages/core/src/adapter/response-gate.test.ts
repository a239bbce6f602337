import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { closeGate, type ResponseGate } from './response-gate.js';
import { keepOutOfCaches } from '../node/uncached.js';
import { answerAlone } from './settle.js';

test('rule 157: over HTTP/2, trailers that other code sets while the guard decides are sent only after an admission', async () => {
  expect(await trailersOf((gate) => answerAlone(gate, (pass) => void pass.end('refused')))).toBeUndefined();
  expect(
    await trailersOf((gate, response) => {
      gate.open();
      response.end('admitted');
    }),
  ).toMatchObject({ 'x-set': 'other', 'x-added': 'other' });
});

/** Returns the trailers of an answer over HTTP/2. Other code sets some before the decision. */
async function trailersOf(decide: (gate: ResponseGate, response: ServerResponse) => unknown): Promise<IncomingHttpHeaders | undefined> {
  const server = createServer((_request, response) => {
    const gate = closeGate(response as unknown as ServerResponse);
    // Node's types do not have it
    (response as unknown as { setTrailer(name: string, value: string): void }).setTrailer('x-set', 'other');
    response.addTrailers({ 'x-added': 'other' });
    void decide(gate, response as unknown as ServerResponse);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const stream = session.request({ ':path': '/' });
  let trailers: IncomingHttpHeaders | undefined;
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  stream.resume();
  await once(stream, 'close');
  return trailers;
}

test('rule 157: an answer that was kept is sent, even if its author went on wrongly after it', async () => {
  const server = createHttpServer((_request, response) => {
    const gate = closeGate(response);
    response.setHeader('x-early', 'early');
    response.end('once');
    response.setHeader('x-late', 'late');
    response.writeHead(500);
    expect(gate.open()).toBe(true);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect([answer.status, await answer.text(), answer.headers.get('x-early')]).toEqual([200, 'once', 'early']);
});

/** Code without types may pass a number. */
const wrong = 42 as unknown as string;

test.each([
  ['end with a number', (response: ServerResponse) => void response.end(wrong)],
  ['end with a number, after headers', (response: ServerResponse) => void response.setHeader('x-early', 'early').end(wrong)],
  ['an impossible status', (response: ServerResponse) => void response.writeHead(9).end('once')],
  ['an impossible header', (response: ServerResponse) => void response.setHeader('', 'a').end('once')],
])('rule 157: answers 500 if the answer that was kept cannot be sent: %s', async (name, write) => {
  for (const isHttp2 of [false, true]) {
    const answer = await answerOf(isHttp2, (response) => write(response));
    // over HTTP/2, Node sends the headers before it looks at the body
    const isCut = isHttp2 && name.startsWith('end');
    if (isCut) expect(answer).toEqual({ error: 'closed' });
    else expect(answer).toEqual({ status: 500, body: '', early: undefined });
  }
});

test('rule 157: closes the connection if an answer that was kept fails after its headers', async () => {
  for (const isHttp2 of [false, true]) {
    const answer = await answerOf(isHttp2, (response) => {
      response.writeHead(200);
      response.write(wrong);
    });
    expect(answer).toEqual({ error: 'closed' });
  }
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly early: unknown;
}

/** Returns the answer to a request that is admitted after other code wrote something. */
async function answerOf(isHttp2: boolean, write: (response: ServerResponse) => void): Promise<Answer | { readonly error: string }> {
  const serve = (response: ServerResponse): void => {
    const gate = closeGate(response);
    write(response);
    gate.open();
  };
  const server = isHttp2
    ? createServer((_request, response) => serve(response as unknown as ServerResponse))
    : createHttpServer((_request, response) => serve(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => void server.close());
  if (!isHttp2) {
    return fetch(base).then(
      async (answer) => ({ status: answer.status, body: await answer.text(), early: answer.headers.get('x-early') ?? undefined }),
      () => ({ error: 'closed' }),
    );
  }
  const session = connect(base);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ':path': '/' }).setEncoding('utf8');
  let [status, early, body] = [0, undefined as unknown, ''];
  stream.on('response', (received) => ([status, early] = [received[':status'] ?? 0, received['x-early']]));
  stream.on('data', (text: string) => (body += text));
  // the client sees an error, or an end without the whole answer
  stream.on('error', () => (status = 0));
  await new Promise((resolve) => stream.on('close', resolve));
  return status === 0 || stream.rstCode !== 0 ? { error: 'closed' } : { status, body, early };
}

test('rule 195: what the guard sets on its own answer makes no hole in the gate', async () => {
  const server = createHttpServer((_request, response) => {
    const gate = closeGate(response);
    void answerAlone(gate, async (pass) => {
      keepOutOfCaches(pass);
      await new Promise(setImmediate);
      pass.statusCode = 403;
      pass.end('refused');
    });
    response.writeHead(200, { 'x-secret': 'secret', 'cache-control': 'public' });
    response.end('secret');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect([answer.status, await answer.text(), answer.headers.get('x-secret'), answer.headers.get('cache-control')]).toEqual([403, 'refused', null, 'no-store']);
});
