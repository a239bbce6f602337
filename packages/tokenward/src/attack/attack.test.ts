import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isLoopbackAddress, loopbackAddresses } from '../lib/loopback.js';
import { forged } from './attack-case.js';
import { partsOf } from './derived.js';
import { exchange, type Exchange } from './exchange.js';
import { runAttack } from './run-attack.js';
import { readTargets } from './target.js';

test.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['::ffff:10.0.0.1', false],
  ['128.0.0.1', false],
  ['126.255.255.255', false],
  ['::2', false],
  ['fe80::1', false],
  ['localhost', false],
  ['', false],
])('rule 272: %s is loopback: %s', (address, is) => expect(isLoopbackAddress(address)).toBe(is));

test('a token with claims that are nested thousands of levels deep is no JWT: hostile ones that are made of it would overflow the stack', () => {
  const token = (levels: number, innermost = '1'): string =>
    ['{"alg":"RS256"}', `{"deep":${'['.repeat(levels - 1)}${innermost}${']'.repeat(levels - 1)}}`, 'signature']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
  // an empty list is a level, too, as it is for a guard
  for (const innermost of ['1', '']) {
    expect(partsOf(token(32, innermost))?.header).toEqual({ alg: 'RS256' });
    expect(partsOf(token(33, innermost))).toBeUndefined();
  }
  expect(partsOf(token(20_000))).toBeUndefined();
});

test('rule 272: a name is loopback if each of its addresses is', async () => {
  expect(await loopbackAddresses('dev.example.com', async () => ['127.0.0.1', '::1'])).toEqual(['127.0.0.1', '::1']);
  expect(await loopbackAddresses('dev.example.com', async () => ['127.0.0.1', '192.0.2.1'])).toBeUndefined();
  expect(await loopbackAddresses('dev.example.com', async () => [])).toBeUndefined();
  expect(await loopbackAddresses('dev.example.com', () => Promise.reject(new Error('ENOTFOUND')))).toBeUndefined();
  expect(await loopbackAddresses('app.localhost', () => Promise.reject(new Error('ENOTFOUND')))).toEqual(['127.0.0.1']);
  // a resolver that lies about localhost
  expect(await loopbackAddresses('localhost', async () => ['192.0.2.1'])).toBeUndefined();
});

test('rule 272: a name that leads elsewhere at the second lookup (DNS rebinding) is still connected to at its first address', async () => {
  let lookups = 0;
  const server = createServer((request, response) => void response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const [target] = await readTargets(`http://rebinding.example:${port}/me`, async () => (lookups++ === 0 ? ['127.0.0.1'] : ['192.0.2.1']));
  for (let at = 0; at < 3; at++) expect(await exchange(target!, {})).toMatchObject({ kind: 'answer', status: 200, body: `rebinding.example:${port}` });
  expect(lookups).toBe(1);
  server.close();
});

test('rule 272: drops a connection that leaves this machine', async () => {
  // no target of readTargets has such an address
  const server = createServer((_request, response) => void response.end());
  const own = Object.values((await import('node:os')).networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  if (own === undefined) return;
  await new Promise<void>((resolve) => server.listen(0, own, resolve));
  const url = new URL(`http://${own}:${(server.address() as AddressInfo).port}/`);
  expect(await exchange({ url, address: own }, {})).toEqual({ kind: 'not-loopback' });
  server.closeAllConnections();
  server.close();
});

test('rule 273: sends headers twice, a query and a body as they are given', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.method!, request.url!, ...request.rawHeaders.filter((_value, at) => request.rawHeaders[at - 1] === 'Authorization'));
    request.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
    request.once('end', () => void response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/me?a=1`);
  await exchange(
    { url, address: '127.0.0.1' },
    {
      method: 'POST',
      query: 'b=2',
      body: 'c=3',
      headers: [
        ['Authorization', 'one'],
        ['Authorization', 'two'],
      ],
    },
  );
  expect(seen).toEqual(['POST', '/me?a=1&b=2', 'one', 'two', 'c=3']);
  server.close();
});

test('an answer that never ends counts by its status', async () => {
  const server = createServer((request, response) => {
    response.writeHead(200).write('data: 1\n\n');
    request.socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/events`);
  const began = performance.now();
  expect(await exchange({ url, address: '127.0.0.1' }, {})).toMatchObject({ kind: 'answer', status: 200, body: 'data: 1\n\n' });
  expect(performance.now() - began).toBeLessThan(4000);
  server.closeAllConnections();
  server.close();
});

test('an answer that breaks off counts by its status, and is marked', async () => {
  const server = createServer((request, response) => {
    request.socket.on('error', () => {});
    response.writeHead(200).write('{"ok":', () => setTimeout(() => (request.url === '/reset' ? request.socket.resetAndDestroy() : response.destroy()), 50));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (const path of ['/close', '/reset']) {
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    expect(await exchange({ url, address: '127.0.0.1' }, {}), path).toMatchObject({ kind: 'answer', status: 200, body: '{"ok":', isComplete: false });
  }
  server.close();
});

test.each([
  ['breaks off', (socket: Socket) => void socket.destroy()],
  ['is reset', (socket: Socket) => void socket.resetAndDestroy()],
  ['is no HTTP', (socket: Socket) => void socket.write(' name\r\n\r\n')],
])('an answer that %s among its headers counts by its status if it admits', async (_how, end) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      const status = String(request).startsWith('GET /open ') ? '200 OK' : '401 Unauthorized';
      socket.write('HTTP', () => setTimeout(() => socket.write(`/1.1 ${status}\r\nContent-Ty`, () => setTimeout(() => end(socket), 50)), 50));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = (path: string) => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  const [open, closed] = await Promise.all(['/open', '/closed'].map((path) => exchange({ url: url(path), address: '127.0.0.1' }, {})));
  expect(open).toEqual({ kind: 'answer', status: 200, challenge: undefined, body: '', isComplete: false });
  expect(closed!.kind).toMatch(/^(?:reset|malformed)$/);
});

test('a server that fails at several requests in a row, and still answers others, is attacked to the end', async () => {
  const target = { url: new URL('http://127.0.0.1:3000/'), address: '127.0.0.1' };
  const cases = Array.from({ length: 30 }, (_one, at) => forged(`case ${at}`, `token-${at < 12 ? 'fatal' : 'expired'}`));
  const limits = { requestsPerSecond: 500, maxRequests: 100, maxSeconds: 60 };
  const careless: Exchange = async (_target, { headers = [] }) =>
    headers[0]![1].endsWith('fatal') ? { kind: 'reset' } : { kind: 'answer', status: 200, challenge: undefined, body: '', isComplete: true };
  const { judgements, untried, isDown } = await runAttack(target, 'valid', cases, careless, limits);
  expect([judgements.filter(({ verdict }) => verdict === 'admitted').length, untried, isDown]).toEqual([18, 0, false]);
  const down = await runAttack(target, 'valid', cases, async () => ({ kind: 'reset' }), limits);
  expect([down.judgements.length, down.untried, down.isDown]).toEqual([5, 25, true]);
});

test('rule 274: an attack is bounded in number, rate and time', async () => {
  const target = { url: new URL('http://127.0.0.1:3000/'), address: '127.0.0.1' };
  const cases = Array.from({ length: 50 }, (_one, at) => forged(`case ${at}`, 'token'));
  const sent: number[] = [];
  const counting: Exchange = async () => {
    sent.push(performance.now());
    return { kind: 'answer', status: 401, challenge: 'Bearer', body: '', isComplete: true };
  };
  const few = await runAttack(target, 'valid', cases, counting, { requestsPerSecond: 500, maxRequests: 10, maxSeconds: 60 });
  expect([few.judgements.length, few.untried, sent.length]).toEqual([10, 40, 11]);
  // nine pauses of 2 ms; timers may fire a little early
  expect(sent.at(-2)! - sent[0]!).toBeGreaterThan(15);
  const short = await runAttack(target, 'valid', cases, counting, { requestsPerSecond: 100, maxRequests: 50, maxSeconds: 0.1 });
  expect(short.judgements.length).toBeLessThan(20);
  expect(short.untried).toBe(50 - short.judgements.length);
});
