import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { addCookies } from './set-cookie.js';

const LINE = 'a=1';
const FIELDS = {
  'X-Mine': '1',
  'Cache-Control': 'public, max-age=600',
  'CDN-Cache-Control': 'max-age=600',
  Expires: 'never',
  'surrogate-control': 'max-age=1',
};
const FLAT = Object.entries(FIELDS).flat();

/** Returns the head of a response with a session's cookie. */
function headAfter(answer: (response: ServerResponse) => void, cookies: string[] = [LINE]): string[] {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  addCookies(response, cookies.length > 0 ? { 'set-cookie': cookies } : {});
  answer(response);
  const { _header: head } = response as unknown as { _header: string };
  return head
    .split('\r\n')
    .slice(0, -2)
    .filter((line) => !/^(?:HTTP|date|connection|transfer-encoding|content-length)/i.test(line))
    .map((line) => line.toLowerCase())
    .toSorted();
}

function setAll(response: ServerResponse): ServerResponse {
  for (const [name, value] of Object.entries(FIELDS)) response.setHeader(name, value);
  return response;
}

test.each<[string, (response: ServerResponse) => void]>([
  ['sets them before it ends the response', (response) => void setAll(response).end('x')],
  ['sets them before it writes', (response) => void setAll(response).write('x')],
  ['flushes them', (response) => setAll(response).flushHeaders()],
  ['gives them to writeHead', (response) => void response.writeHead(200, FIELDS)],
  ['gives them to writeHead with a message', (response) => void response.writeHead(200, 'Fine', FIELDS)],
  ['gives them to writeHead by turns', (response) => void response.writeHead(200, FLAT)],
  ['sets them and calls writeHead', (response) => void setAll(response).writeHead(200)],
])('rule 195: no cache keeps a session cookie, though a handler %s', (_how, answer) => {
  expect(headAfter(answer)).toEqual(['cache-control: no-store', `set-cookie: ${LINE}`, 'x-mine: 1']);
});

test('rule 107: the Cache-Control of an answer without a session cookie stays', () => {
  const lines = headAfter((response) => void response.writeHead(200, FIELDS), []);
  expect(lines).toContain('cache-control: public, max-age=600');
  expect(lines).toContain('cdn-cache-control: max-age=600');
});

test('a response that stands in for that of Node may lack writeHead', () => {
  const lines: unknown[] = [];
  const standIn = { headersSent: false, getHeader: () => undefined, setHeader: (_name: string, value: unknown) => lines.push(value) };
  addCookies(standIn as unknown as ServerResponse, { 'set-cookie': [LINE] });
  expect(lines).toEqual([[LINE]]);
});
