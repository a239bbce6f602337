import { expect, test } from 'vitest';
import { callsIn } from './json-rpc.js';

const parse = (text: string): unknown => JSON.parse(text);

test('rule 233: reads the calls of a message and of a batch', () => {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a' } };
  expect(callsIn(call)).toEqual([{ method: 'tools/call', tool: 'a' }]);
  expect(callsIn([call, { method: 'ping' }, { id: 1, result: {} }, { id: 1, error: {} }])).toEqual([
    { method: 'tools/call', tool: 'a' },
    { method: 'ping', tool: undefined },
  ]);
});

test.each([
  [undefined, 'no parsed body'],
  [[], 'an empty batch'],
  [Array.from({ length: 101 }, () => ({ method: 'ping' })), 'a batch that is too long'],
  [{ method: 'tools/call', params: { name: 1 } }, 'a tool call without the name of a tool'],
  [{ method: 'tools/call' }, 'a tool call without the name of a tool'],
  [{ method: 'tools/call', params: ['a'] }, 'not a JSON-RPC message'],
  [{ method: 'tools/call', params: null }, 'not a JSON-RPC message'],
  [{ method: 1, result: {} }, 'not a JSON-RPC message'],
  [{ id: 1 }, 'not a JSON-RPC message'],
  [[[]], 'not a JSON-RPC message'],
  ['tools/call', 'not a JSON-RPC message'],
  [null, 'not a JSON-RPC message'],
  [Buffer.from('{}'), 'not a JSON-RPC message'],
  [new ReadableStream(), 'not a JSON-RPC message'],
  [new URLSearchParams('method=tools/call'), 'not a JSON-RPC message'],
  [parse('{"__proto__":{"method":"tools/call"},"result":{}}'), 'not a JSON-RPC message'],
  [parse('{"method":"tools/call","params":{"name":"a","__proto__":{"name":"b"}}}'), 'not a JSON-RPC message'],
  [Object.create({ method: 'tools/call', params: { name: 'a' } }), 'not a JSON-RPC message'],
])('rule 233: %o is %s', (body, why) => {
  expect(callsIn(body)).toBe(why);
});

test('rule 233: a polluted prototype gives no message a method or a name', () => {
  const polluted = Object.prototype as { method?: string; name?: string };
  try {
    polluted.method = 'ping';
    polluted.name = 'a';
    expect(callsIn({ id: 1, result: {} })).toEqual([]);
    expect(callsIn({ method: 'tools/call', params: {} })).toBe('a tool call without the name of a tool');
  } finally {
    delete polluted.method;
    delete polluted.name;
  }
});

test('rule 233: objects without a prototype are read, as some parsers make them', () => {
  expect(callsIn(Object.assign(Object.create(null), { method: 'ping' }))).toEqual([{ method: 'ping', tool: undefined }]);
});
