import { describe, expect, test } from 'vitest';
import { OptionReader } from '../lib/option-reader.js';
import { readCredentialsOption, type CredentialsOptions } from './credential-places.js';
import { readCredentials, type Credentials, type CredentialsFailure } from './credentials.js';

const LIMIT = 64;
const HANDSHAKE = { upgrade: 'websocket', connection: 'Upgrade' };

function read(
  options: CredentialsOptions,
  headers: Record<string, string | string[] | undefined>,
  target = '/',
  method = 'GET',
): Credentials | CredentialsFailure {
  const reader = new OptionReader({ credentials: options }, ['credentials']);
  const elsewhere = readCredentialsOption(reader, 'credentials')!;
  expect(reader.problems).toEqual([]);
  const request = { method, target, headers };
  return elsewhere(request, readCredentials(request, LIMIT, true), LIMIT);
}

const reasonOf = (found: Credentials | CredentialsFailure): unknown => ('reason' in found ? found.reason : found.token);

describe('rule 226: a token in a header of its own', () => {
  const options = { header: 'X-Access-Token' };

  test.each<[string, Record<string, string | string[] | undefined>, string]>([
    ['alone', { 'x-access-token': 'a.b.c' }, 'a.b.c'],
    ['as the client wrote the name', { 'X-Access-TOKEN': 'a.b.c' }, 'a.b.c'],
    ['beside Authorization, even the same', { 'x-access-token': 'a.b.c', authorization: 'Bearer a.b.c' }, 'multiple_credentials'],
    ['beside an empty Authorization', { 'x-access-token': 'a.b.c', authorization: '' }, 'multiple_credentials'],
    ['beside another scheme', { 'x-access-token': 'a.b.c', authorization: 'Basic dTpw' }, 'multiple_credentials'],
    ['twice', { 'x-access-token': ['a.b.c', 'a.b.c'] }, 'multiple_credentials'],
    ['twice in one line', { 'x-access-token': 'a.b.c, a.b.c' }, 'multiple_credentials'],
    ['twice in different cases', { 'X-Access-Token': 'a.b.c', 'X-ACCESS-TOKEN': 'a.b.c' }, 'multiple_credentials'],
    ['twice, once in lower case', { 'x-access-token': 'a.b.c', 'X-Access-Token': 'a.b.c' }, 'multiple_credentials'],
    ['with a comma', { 'x-access-token': 'a.b.c,' }, 'multiple_credentials'],
    ['empty', { 'x-access-token': '' }, 'malformed_credentials'],
    ['too long', { 'x-access-token': 'a'.repeat(LIMIT + 1) }, 'token_too_large'],
    ['missing', { 'x-access-tokens': 'a.b.c' }, 'missing_token'],
    ['undefined', { 'x-access-token': undefined }, 'missing_token'],
    ['an empty list', { 'x-access-token': [] }, 'missing_token'],
  ])('%s: %j gives %s', (_name, headers, expected) => {
    expect(reasonOf(read(options, headers))).toBe(expected);
  });

  test('together with a token in the query is refused', () => {
    expect(reasonOf(read(options, { 'x-access-token': 'a.b.c' }, '/?access_token=a.b.c'))).toBe('multiple_credentials');
  });

  test('and in the header Authorization is read as always', () => {
    expect(read(options, { authorization: 'Bearer a.b.c' })).toEqual({ scheme: 'Bearer', token: 'a.b.c' });
    expect(reasonOf(read(options, { authorization: 'Bearer' }))).toBe('malformed_credentials');
  });
});

describe('rule 226: a token among the subprotocols of a WebSocket handshake', () => {
  const options = { webSocketProtocol: 'bearer.' };

  test.each<[string, string | string[], string]>([
    ['as the only item', 'bearer.a.b.c', 'a.b.c'],
    ['after another item', 'feed.v1, bearer.a.b.c', 'a.b.c'],
    ['without a space, and before another item', 'bearer.a.b.c,feed.v1', 'a.b.c'],
    ['on a line of its own', ['feed.v1', 'bearer.a.b.c'], 'a.b.c'],
    ['twice', 'bearer.a.b.c, bearer.a.b.c', 'multiple_credentials'],
    ['twice on two lines', ['bearer.a.b.c', 'bearer.x'], 'multiple_credentials'],
    ['empty', 'feed.v1, bearer.', 'malformed_credentials'],
    ['in another case', 'Bearer.a.b.c', 'missing_token'],
    ['without the dot', 'bearer', 'missing_token'],
    ['not at the beginning of an item', 'x-bearer.a.b.c', 'missing_token'],
    ['too long', `bearer.${'a'.repeat(LIMIT + 1)}`, 'token_too_large'],
  ])('%s: %j gives %s', (_name, field, expected) => {
    expect(reasonOf(read(options, { ...HANDSHAKE, 'sec-websocket-protocol': field }))).toBe(expected);
  });

  test('beside the header Authorization is refused', () => {
    expect(reasonOf(read(options, { ...HANDSHAKE, 'sec-websocket-protocol': 'bearer.a.b.c', authorization: 'Bearer a.b.c' }))).toBe('multiple_credentials');
  });

  test('is read in a handshake only, over HTTP/1.1 or HTTP/2', () => {
    const field = { 'sec-websocket-protocol': 'bearer.a.b.c' };
    expect(reasonOf(read(options, { upgrade: 'WebSocket', ...field }))).toBe('a.b.c');
    expect(reasonOf(read(options, { ':protocol': 'websocket', ...field }, '/', 'CONNECT'))).toBe('a.b.c');
    expect(reasonOf(read(options, field))).toBe('missing_token');
    expect(reasonOf(read(options, { upgrade: 'h2c', ...field }))).toBe('missing_token');
    expect(reasonOf(read(options, { ...HANDSHAKE, ...field }, '/', 'POST'))).toBe('missing_token');
    expect(reasonOf(read(options, { ':protocol': 'connect-udp', ...field }, '/', 'CONNECT'))).toBe('missing_token');
  });

  test('and one in a header of its own are two', () => {
    const both = { ...options, header: 'x-access-token' };
    expect(reasonOf(read(both, { ...HANDSHAKE, 'sec-websocket-protocol': 'bearer.a.b.c', 'x-access-token': 'a.b.c' }))).toBe('multiple_credentials');
    expect(reasonOf(read(both, { ...HANDSHAKE, 'sec-websocket-protocol': 'feed.v1', 'x-access-token': 'a.b.c' }))).toBe('a.b.c');
  });
});

test.each<[unknown, string]>([
  [{}, 'credentials'],
  [true, 'credentials'],
  [{ header: 'Authorization' }, 'credentials.header'],
  [{ header: 'cookie' }, 'credentials.header'],
  [{ header: 'DPoP' }, 'credentials.header'],
  [{ header: 'sec-websocket-protocol' }, 'credentials.header'],
  [{ header: 'x-forwarded-for' }, 'credentials.header'],
  [{ header: 'x y' }, 'credentials.header'],
  [{ header: '' }, 'credentials.header'],
  [{ header: 7 }, 'credentials.header'],
  [{ webSocketProtocol: 'bearer' }, 'credentials.webSocketProtocol'],
  [{ webSocketProtocol: '.' }, 'credentials.webSocketProtocol'],
  [{ webSocketProtocol: 'a,b.' }, 'credentials.webSocketProtocol'],
  [{ webSocketProtocol: 'a b.' }, 'credentials.webSocketProtocol'],
  [{ query: 'access_token' }, 'credentials.query'],
])('rule 226: the option %j is refused at the start', (given, path) => {
  const reader = new OptionReader({ credentials: given }, ['credentials']);
  readCredentialsOption(reader, 'credentials');
  expect(reader.problems.map((problem) => problem.path)).toContain(path);
});
