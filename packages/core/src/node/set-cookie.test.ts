import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { applyHeaders } from './node-http.js';
import { addCookies, cookiesWith } from './set-cookie.js';

const headers = { 'set-cookie': ['a=1', 'b=2'] };

function response(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

describe('the cookies of a decision', () => {
  test.each<[string, unknown, string[] | undefined]>([
    ['are all there is', undefined, ['a=1', 'b=2']],
    ['come after one line', 'c=3', ['c=3', 'a=1', 'b=2']],
    ['come after several lines', ['c=3', 'c=4'], ['c=3', 'c=4', 'a=1', 'b=2']],
    ['are completed', ['b=2', 'c=3'], ['b=2', 'c=3', 'a=1']],
    ['are not repeated', ['a=1', 'b=2'], undefined],
    ['come after a number', 7, ['7', 'a=1', 'b=2']],
  ])('%s', (_how, present, expected) => {
    expect(cookiesWith(present, headers)).toEqual(expected);
  });

  test('are own members', () => {
    expect(cookiesWith(undefined, {})).toBeUndefined();
    expect(cookiesWith(undefined, Object.create(headers) as typeof headers)).toBeUndefined();
  });

  test('stay on the response in whatever order others add theirs', () => {
    const answer = response();
    answer.setHeader('Set-Cookie', 'mine=1');
    applyHeaders(answer, { 'cache-control': 'no-store', ...headers });
    answer.appendHeader('set-cookie', 'mine=2');
    addCookies(answer, headers);
    expect(answer.getHeader('set-cookie')).toEqual(['mine=1', 'a=1', 'b=2', 'mine=2']);
    expect(answer.getHeader('cache-control')).toBe('no-store');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  test('do nothing to a response whose headers were sent', () => {
    const answer = response();
    answer.writeHead(200);
    expect(answer.headersSent).toBe(true);
    applyHeaders(answer, { 'cache-control': 'no-store', ...headers });
    addCookies(answer, headers);
    expect(answer.getHeaders()).toEqual({});
  });
});

test('applies no header that a polluted prototype adds', () => {
  const answer = response();
  // oxlint-disable-next-line no-extend-native -- the pollution under test
  Object.defineProperty(Object.prototype, 'x-planted', { value: 'planted', enumerable: true, configurable: true, writable: true });
  try {
    applyHeaders(answer, { 'cache-control': 'no-store' });
  } finally {
    Reflect.deleteProperty(Object.prototype, 'x-planted');
  }
  expect(answer.getHeaderNames()).toEqual(['cache-control']);
});
