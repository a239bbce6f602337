import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { headersOf, originOf } from './node-http.js';

function requestWith(...rawHeaders: string[]): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    request.headers[name] ??= rawHeaders[at + 1]!;
  }
  request.rawHeaders.push(...rawHeaders);
  return request;
}

test('rule 1: a second Authorization line is seen, in whatever case, and no third is needed', () => {
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
])('an origin is scheme, host and port: %s %s', (protocol, host, origin) => {
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
])('what is no web address has no origin: %s %s', (protocol, host) => {
  expect(originOf(protocol, host)).toBeUndefined();
});
