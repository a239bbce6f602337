import { once } from 'node:events';
import { createServer, IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server, type Http2Server, type Http2ServerResponse } from 'node:http2';
import { Socket, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { headersOf, isAnswered, originOf, viewOf } from './node-http.js';

function requestWith(...rawHeaders: string[]): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    request.headers[name] ??= rawHeaders[at + 1]!;
  }
  request.rawHeaders.push(...rawHeaders);
  return request;
}

test('rule 1: returns the first two Authorization lines, in any case, and ignores a third', () => {
  expect(headersOf(requestWith('Host', 'a', 'Authorization', 'x', 'AUTHORIZATION', 'y', 'authorization', 'z'))).toEqual({
    host: 'a',
    authorization: ['x', 'y'],
  });
  expect(headersOf(requestWith('Authorization', 'x'))).toEqual({ authorization: 'x' });
  expect(headersOf(requestWith('Host', 'a'))).toEqual({ host: 'a' });
  expect(headersOf(requestWith('X-Authorization', 'x', 'Authorizations', 'y'))).not.toHaveProperty('authorization');
});

test.each([
  ['https', 'api.example.test', 'https://api.example.test'],
  ['http', 'api.example.test:8080', 'http://api.example.test:8080'],
  ['https', 'API.example.test:443', 'https://api.example.test'],
  ['http', '[::1]:3000', 'http://[::1]:3000'],
])('originOf returns scheme, host and port for %s and %s', (protocol, host, origin) => {
  expect(originOf(protocol, host)).toBe(origin);
});

test.each([
  ['javascript', 'a'],
  ['file', 'a'],
  ['http', ''],
  ['http', undefined],
  ['http', 'a b'],
  ['http', 'a/b'],
  ['http', 'user@a'],
  ['http', 'a?b'],
  ['', 'a'],
  ['https://evil/?', 'a'],
])('originOf returns undefined for %s and %s, which do not make an http or https URL', (protocol, host) => {
  expect(originOf(protocol, host)).toBeUndefined();
});

test.each<[expected: string | undefined, ...rawHeaders: string[]]>([
  ['http://a.test', 'Host', 'a.test'],
  ['http://a.test', ':authority', 'a.test', 'host', 'a.test'],
  ['http://a.test'],
  [undefined, 'Host', 'a.test', 'HOST', 'b.test'],
  [undefined, 'Host', 'a.test', 'Host', 'a.test'],
  [undefined, ':authority', 'a.test', 'host', 'a.test', 'host', 'a.test'],
  [undefined, ':authority', 'a.test', 'host', 'b.test'],
  [undefined, 'Host', 'user@a.test'],
  [undefined, 'Host', 'a.test, b.test'],
  [undefined, 'Host', 'a.test/b'],
])('rule 154: the origin comes from a single valid host: %s for %j', (expected, ...rawHeaders) => {
  const view = viewOf({ method: 'GET', originalUrl: '/', protocol: 'http' }, requestWith(...rawHeaders), () => 'a.test');
  expect(view.origin).toBe(expected);
});

async function listen(server: Server | Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('isAnswered is true once the headers were sent or the client disconnected', async () => {
  const responses: ServerResponse[] = [];
  const port = await listen(createServer((_request, response) => void responses.push(response)));
  const [answered, left] = [0, 1].map(() => request({ port, agent: false }).on('error', () => {}).end()); // prettier-ignore
  await vi.waitFor(() => expect(responses).toHaveLength(2));
  expect(responses.map(isAnswered)).toEqual([false, false]);
  responses[0]!.flushHeaders();
  expect(isAnswered(responses[0]!)).toBe(true);
  answered!.destroy();
  left!.destroy();
  await vi.waitFor(() => expect(isAnswered(responses[1]!)).toBe(true));
});

test('isAnswered is true over HTTP/2 once the headers were sent or the client disconnected', async () => {
  const responses: Http2ServerResponse[] = [];
  const port = await listen(createHttp2Server((_request, response) => void responses.push(response)));
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const [answered, left] = [0, 1].map(() => session.request({ ':path': '/' }).on('error', () => {})); // prettier-ignore
  await vi.waitFor(() => expect(responses).toHaveLength(2));
  expect(responses.map(isAnswered)).toEqual([false, false]);
  responses[0]!.writeHead(200);
  expect(isAnswered(responses[0]!)).toBe(true);
  answered!.close();
  left!.close();
  await vi.waitFor(() => expect(isAnswered(responses[1]!)).toBe(true));
});
